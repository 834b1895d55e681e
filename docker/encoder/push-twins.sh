#!/bin/sh
# Encodes a test pattern once and pushes it to several origins (docs/high-availability.md). Each leg
# has a queue and a connection of its own: one that fails is begun anew every second, and the others
# do not notice.
#
#   ORIGIN_URLS    the origins, with spaces between     http://origin-a:8080 http://origin-b:8080
#   CACHE_NAME     live-origin
#   STREAM         name of the playlist and its segments    live
#   ENCODER_KEY    the key, or ENCODER_KEY_FILE: a JSON file with "apiKey", or a file with the key
#   TTL_SECONDS    3600
set -eu

fail() {
  echo "push-twins.sh: $1" >&2
  exit 2
}

key=${ENCODER_KEY:-}
if [ -n "${ENCODER_KEY_FILE:-}" ]; then
  [ -r "$ENCODER_KEY_FILE" ] || fail "ENCODER_KEY_FILE cannot be read: $ENCODER_KEY_FILE"
  key=$(tr -d '\r\n' <"$ENCODER_KEY_FILE" | sed -n 's/.*"apiKey"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p')
  [ -n "$key" ] || key=$(tr -d '\r\n' <"$ENCODER_KEY_FILE")
fi
# What is put into ffmpeg's list of options must not be able to end one.
case $key in
  '' | *[!A-Za-z0-9._+/=~-]*) fail 'set ENCODER_KEY or ENCODER_KEY_FILE: a key that may write' ;;
esac

stream=${STREAM:-live}
query="?ttl_seconds=${TTL_SECONDS:-3600}"
legs=
for origin in ${ORIGIN_URLS:-http://origin-a:8080 http://origin-b:8080}; do
  base="$origin/cache/${CACHE_NAME:-live-origin}"
  # A colon in an option: escaped for the list of options, and for the list of legs.
  escaped=$(printf '%s' "$base/${stream}_%d.ts$query" | sed 's/:/\\\\:/g')
  # Segments of one second, numbered from the time: a leg that is begun anew has the same numbers.
  leg="[f=hls:hls_time=1:hls_list_size=10:hls_start_number_source=epoch:method=PUT:timeout=2"
  leg="$leg:headers=Authorization\\\\: $key:hls_segment_filename=$escaped]$base/$stream.m3u8$query"
  legs="${legs:+$legs|}$leg"
done

exec ffmpeg -hide_banner -nostdin -nostats -loglevel error \
  -re -f lavfi -i "testsrc2=size=1280x720:rate=30" \
  -re -f lavfi -i 'sine=frequency=440:beep_factor=2:sample_rate=48000' \
  -filter_complex "[0:v]drawtext=text='%{localtime}':fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=12:fontsize=h/12:x=(w-text_w)/2:y=h*0.4[v]" \
  -map '[v]' -map 1:a -c:v libx264 -preset "${PRESET:-veryfast}" -tune zerolatency -pix_fmt yuv420p \
  -g 30 -keyint_min 30 -sc_threshold 0 -b:v 2500k -maxrate 2750k -bufsize 5000k \
  -c:a aac -b:a 96k -ac 2 -ar 48000 \
  -f tee -use_fifo 1 \
  -fifo_options attempt_recovery=1:recover_any_error=1:recovery_wait_time=1:restart_with_keyframe=1:drop_pkts_on_overflow=1 \
  "$legs"
