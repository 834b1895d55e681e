#!/bin/sh
# Encodes a ladder and pushes it to the origin as HLS, like the encoder of docs/encoders.md, with the
# key in a header (in the URL it would be published in the playlists).
#
#   push-ladder.sh                     a test pattern with a clock, as playlist.m3u8
#   push-ladder.sh INPUT STREAM        any ffmpeg input, as STREAM/playlist.m3u8
#
#   ORIGIN_URL         http://origin:8080
#   CACHE_NAME         live-origin
#   ENCODER_KEY_FILE   a JSON file with "apiKey", or a file with the key alone
#   LADDER             name:WIDTHxHEIGHT:KBPS ..., the best one first
#   FRAMES_PER_SECOND  30
#   SEGMENT_SECONDS    2
#   TTL_SECONDS        3600
set -eu

fail() {
  echo "push-ladder.sh: $1" >&2
  exit 2
}

input=${1:-}
stream=${2:-}
if [ -n "$input" ]; then
  # Part of every key, and whoever publishes has chosen it.
  case $stream in
    '' | *[!A-Za-z0-9_-]*) fail 'a stream name is made of A-Z a-z 0-9 _ -' ;;
  esac
fi
file=${ENCODER_KEY_FILE:-}
{ [ -n "$file" ] && [ -r "$file" ]; } || fail "ENCODER_KEY_FILE cannot be read: $file"
key=$(tr -d '\r\n' <"$file" | sed -n 's/.*"apiKey"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p')
[ -n "$key" ] || key=$(tr -d '\r\n' <"$file")
[ -n "$key" ] || fail "there is no key in $file"

fps=${FRAMES_PER_SECOND:-30}
seconds=${SEGMENT_SECONDS:-2}
ladder=${LADDER:-'720p30:1280x720:2500 480p30:854x480:1200 240p30:426x240:400'}
base="${ORIGIN_URL:-http://origin:8080}/cache/${CACHE_NAME:-live-origin}/${stream:+$stream/}"
query="?ttl_seconds=${TTL_SECONDS:-3600}"

# The inputs and where the sound is.
top=${ladder%% *}
size=${top#*:}
size=${size%%:*}
set --
if [ -z "$input" ]; then
  set -- -re -f lavfi -i "testsrc2=size=$size:rate=$fps" \
    -re -f lavfi -i 'sine=frequency=440:beep_factor=2:sample_rate=48000'
  audio=1:a:0
  picture="drawtext=text='%{localtime}':fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=12:fontsize=h/12:x=(w-text_w)/2:y=h*0.4"
else
  # Somebody else's stream: it may have no sound, and any shape and frame rate.
  set -- -i "$input"
  audio=0:a:0
  picture="fps=$fps"
  if [ -z "$(ffprobe -v error -select_streams a -show_entries stream=index -of csv=p=0 "$input")" ]; then
    set -- "$@" -f lavfi -i 'anullsrc=channel_layout=stereo:sample_rate=48000' -shortest
    audio=1:a:0
  fi
fi

# One branch of the filter, one pair of maps, one set of rates and one variant per rung.
count=0
branches=
scales=
variants=
for rung in $ladder; do
  name=${rung%%:*}
  kbps=${rung##*:}
  size=${rung#*:}
  size=${size%%:*}
  branches="${branches}[s$count]"
  scales="$scales;[s$count]scale=${size%x*}:${size#*x}:force_original_aspect_ratio=decrease,pad=${size%x*}:${size#*x}:-1:-1,setsar=1[v$count]"
  variants="$variants v:$count,a:$count,name:$name"
  set -- "$@" -map "[v$count]" -map "$audio" -b:v:$count "${kbps}k" \
    -maxrate:v:$count "$((kbps * 11 / 10))k" -bufsize:v:$count "$((kbps * 2))k"
  count=$((count + 1))
done

header=$(printf 'Authorization: %s\r' "$key")

# exec: what stops this script stops ffmpeg, which then ends the channel's playlists.
# Epoch numbers: an encoder that starts anew must not use names again that a CDN holds.
# The query is written three times: ffmpeg carries it to no other name.
exec ffmpeg -hide_banner -nostdin -nostats -loglevel warning "$@" \
  -filter_complex "[0:v]$picture,split=$count$branches$scales" \
  -c:v libx264 -preset "${PRESET:-veryfast}" -tune zerolatency -pix_fmt yuv420p \
  -g "$((fps * seconds))" -keyint_min "$((fps * seconds))" -sc_threshold 0 \
  -c:a aac -b:a 96k -ac 2 -ar 48000 \
  -f hls -hls_time "$seconds" -hls_list_size 6 \
  -hls_flags independent_segments+program_date_time -hls_start_number_source epoch \
  -method PUT -http_persistent 1 -timeout 10 -ignore_io_errors 1 \
  -headers "$header
" \
  -master_pl_publish_rate 15 -master_pl_name "playlist.m3u8$query" \
  -var_stream_map "${variants# }" \
  -hls_segment_filename "${base}playlist_%v_%05d.ts$query" \
  "${base}playlist_%v.m3u8$query"
