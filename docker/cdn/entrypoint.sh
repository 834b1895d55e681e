#!/bin/sh
# Renders the configuration of a CDN (see render.sh for its environment) and runs it in the
# foreground: entrypoint.sh varnish, entrypoint.sh nginx. Needs no root.
#
#   LISTEN      address and port for viewers     8000, all addresses
#   CACHE_SIZE  Varnish's memory for objects     256m
#
# With ORIGIN_B_HOST there are two origins (docs/high-availability.md).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin
# The configuration holds the player's key.
umask 077
directory=$(mktemp -d)
# Under root nginx's workers are another user; what they write has its own permissions.
chmod 755 "$directory"
case ${1:-} in
  varnish)
    listen=${LISTEN:-8000}
    case $listen in
      *:*) ;;
      *) listen=:$listen ;;
    esac
    sh "$here/render.sh" "$here/varnish/default.vcl" >"$directory/default.vcl"
    vcl=$directory/default.vcl
    if [ -n "${ORIGIN_B_HOST:-}" ]; then
      vcl=$directory/twin.vcl
      sh "$here/render.sh" "$here/varnish/twin.vcl" >"$vcl"
    fi
    # No jail: it would read the file as another user, and in the image there is no root to drop.
    exec varnishd -F -j none -f "$vcl" -n "$directory/work" -a "$listen" -T none \
      -s "malloc,${CACHE_SIZE:-256m}" -p backend_idle_timeout=55 -p vsl_mask=-BereqHeader
    ;;
  nginx)
    sh "$here/render.sh" "$here/nginx/nginx.conf" >"$directory/nginx.conf"
    mkdir -m 755 "$directory/temp" "$directory/cache"
    exec nginx -p "$directory" -c "$directory/nginx.conf" -e stderr -g 'daemon off;'
    ;;
  *)
    echo 'usage: entrypoint.sh varnish | nginx' >&2
    exit 2
    ;;
esac
