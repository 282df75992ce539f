#!/bin/sh
# sh start.sh COMMAND: Temporal's server takes the password of its database from the environment only.
set -eu
POSTGRES_PWD=$(cat "$POSTGRES_PASSWORD_FILE")
export POSTGRES_PWD
exec "$@"
