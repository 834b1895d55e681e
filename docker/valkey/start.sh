#!/bin/sh
# Starts a Valkey server or a Sentinel with a configuration that it may write to: after a failover both
# keep there who is the primary, also for their next start.
#
#   start.sh valkey | sentinel
#
#   PRIMARY      address and port of the server to follow; without, it begins as the primary
#   CONFIG_DIR   where valkey.conf and sentinel.conf are    /etc/headwater
#   DATA_DIR     where the copy goes                        /data
set -eu

case ${1:-} in
  valkey | sentinel) kind=$1 ;;
  *)
    echo 'usage: start.sh valkey | sentinel' >&2
    exit 2
    ;;
esac
umask 077
file=${DATA_DIR:-/data}/$kind.conf
if [ ! -s "$file" ]; then
  cp "${CONFIG_DIR:-/etc/headwater}/$kind.conf" "$file.new"
  if [ -n "${PRIMARY:-}" ]; then printf '\nreplicaof %s\n' "$PRIMARY" >>"$file.new"; fi
  mv "$file.new" "$file"
fi
if [ "$kind" = sentinel ]; then exec valkey-server "$file" --sentinel; fi
exec valkey-server "$file"
