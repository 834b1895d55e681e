#!/bin/sh
# Prints a CDN configuration with its @PARAMETERS@ filled in from the environment:
#
#   PLAYER_KEY_FILE=player-key.json ORIGIN_HOST=origin.example sh render.sh varnish/default.vcl
#
#   ORIGIN_HOST      name or address of the origin                        origin
#   ORIGIN_PORT      its port                                             8080
#   ORIGIN_B_HOST    the second origin, when there are two                none
#   ORIGIN_B_PORT    its port                                             8080
#   ORIGIN_SCHEME    http, or https (nginx only)                          http
#   ORIGIN_CA_FILE   whom to trust as the origin's issuer (nginx only)    /etc/ssl/certs/ca-certificates.crt
#   CACHE_NAME       the cache that viewers see                           live-origin
#   LISTEN           address and port for viewers (nginx only)            8000
#   PLAYER_KEY_FILE  a JSON file with "apiKey", or a file with the key alone
#   PLAYER_KEY       the key itself, when there is no file
#
# The output holds the key: keep it from others (umask 077).
set -eu

fail() {
  echo "render.sh: $1" >&2
  exit 2
}

if [ -n "${PLAYER_KEY_FILE:-}" ]; then
  [ -r "$PLAYER_KEY_FILE" ] || fail "PLAYER_KEY_FILE cannot be read: $PLAYER_KEY_FILE"
  key=$(tr -d '\r\n' <"$PLAYER_KEY_FILE" | sed -n 's/.*"apiKey"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p')
  [ -n "$key" ] || key=$(tr -d '\r\n' <"$PLAYER_KEY_FILE")
else
  key=${PLAYER_KEY:-}
fi
[ -n "$key" ] || fail 'set PLAYER_KEY_FILE or PLAYER_KEY: a key that may only read'

# What is put into a configuration must not be able to end a string in it. The value is not shown:
# it may be the key.
check() {
  case $2 in
    '' | *[!A-Za-z0-9._:/+=@~-]*) fail "$1 is empty, or has a character other than A-Z a-z 0-9 . _ : / + = @ ~ -" ;;
  esac
}

scheme=${ORIGIN_SCHEME:-http}
case $scheme in
  http | https) ;;
  *) fail 'ORIGIN_SCHEME is http or https' ;;
esac
case $1:$scheme in
  *.vcl:https) fail 'Varnish speaks no TLS to an origin: use http, or a TLS proxy beside it' ;;
esac
host=${ORIGIN_HOST:-origin}
port=${ORIGIN_PORT:-8080}
ca=${ORIGIN_CA_FILE:-/etc/ssl/certs/ca-certificates.crt}
cache=${CACHE_NAME:-live-origin}
listen=${LISTEN:-8000}
check 'the player key' "$key"
check ORIGIN_HOST "$host"
check ORIGIN_PORT "$port"
check ORIGIN_CA_FILE "$ca"
check LISTEN "$listen"
host_b=${ORIGIN_B_HOST:-}
port_b=${ORIGIN_B_PORT:-8080}
# nginx: a second server, and when it is asked.
server_b=
next='error timeout'
connect_seconds=5
if [ -n "$host_b" ]; then
  check ORIGIN_B_HOST "$host_b"
  check ORIGIN_B_PORT "$port_b"
  server_b="server $host_b:$port_b max_fails=0 backup;"
  next='error timeout http_404 http_500 http_502 http_503 http_504'
  connect_seconds=1
fi
case $1:$host_b in
  *twin.vcl:) fail 'set ORIGIN_B_HOST: the second origin' ;;
esac
case $cache in
  '' | *[!A-Za-z0-9._-]*) fail 'CACHE_NAME is a name of A-Z a-z 0-9 . _ -' ;;
esac
# In a regular expression a dot is any character.
cache_pattern=$(printf '%s' "$cache" | sed 's/\./[.]/g')

# By standard input: what is on a command line shows in the list of processes.
sed -f /dev/stdin "$1" <<RULES
s|@ORIGIN_HOST@|$host|g
s|@ORIGIN_PORT@|$port|g
s|@ORIGIN_SCHEME@|$scheme|g
s|@ORIGIN_CA_FILE@|$ca|g
s|@ORIGIN_B_HOST@|$host_b|g
s|@ORIGIN_B_PORT@|$port_b|g
s|@ORIGIN_B_SERVER@|$server_b|g
s|@NEXT_UPSTREAM@|$next|g
s|@CONNECT_SECONDS@|$connect_seconds|g
s|@CACHE_NAME@|$cache|g
s|@CACHE_PATTERN@|$cache_pattern|g
s|@LISTEN@|$listen|g
s|@PLAYER_KEY@|$key|g
RULES
