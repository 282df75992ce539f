#!/bin/sh
# sh deploy/make-secrets.sh DIRECTORY: makes the secrets that are not there yet, each a file of random letters.
# The directory is its owner's alone. The files can be read by all, for the users inside of the containers are others.
set -eu
directory=${1:-./secrets}
mkdir -p "$directory"
chmod 700 "$directory"
for name in postgres_password s3_secret_key; do
  [ -s "$directory/$name" ] && continue
  head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$directory/.$name"
  chmod 444 "$directory/.$name"
  mv "$directory/.$name" "$directory/$name"
done
