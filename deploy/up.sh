#!/bin/sh
# sh deploy/up.sh [OPTION…]: builds the images and starts all services, once with fresh secrets; options go to
# `docker compose up` (--scale cpu=4). COMPOSE_PROFILES=gpu starts the gpu worker too.
set -eu
cd "$(dirname "$0")/.."
[ -e .env ] || cp .env.example .env
sh deploy/make-secrets.sh "$(sed -n 's/^SECRETS_PATH=//p' .env)"
exec docker compose up --detach --build --wait "$@"
