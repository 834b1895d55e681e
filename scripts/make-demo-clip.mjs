/**
 * Makes the demo's bundled clip with ffmpeg: moving shapes over a gradient, a counter, a tick of
 * sound a second; nothing of anybody else's. Run by hand when the clip shall change:
 * `node scripts/make-demo-clip.mjs`. Needs ffmpeg with libx264, aac and drawtext.
 *
 * 16 s, because that is a whole number of 2 s segments and of AAC frames at 48 kHz (750), so the
 * loop's joint has neither a gap nor an overlap. The segments are MPEG-TS; they are named `.seg`
 * in the repository, since `.ts` would be compiled.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const clipDir = fileURLToPath(new URL('../src/cli/demo/clip', import.meta.url))
const loopSeconds = 16
const segmentSeconds = 2
const framesPerSecond = 25
const clipBytesMax = 1024 * 1024

const renditions = [
  { name: '360p25', width: 640, height: 360, crf: 22, maxrateKbps: 320, audioKbps: 40 },
  { name: '240p25', width: 426, height: 240, crf: 25, maxrateKbps: 160, audioKbps: 32 },
  { name: '144p25', width: 256, height: 144, crf: 27, maxrateKbps: 70, audioKbps: 32 },
]

/** A filled circle as an endless source; ffmpeg has no filter that draws one. */
function circle(label, sizePixels, color) {
  const radius = sizePixels / 2
  return (
    `color=c=${color}:s=${sizePixels}x${sizePixels}:r=${framesPerSecond}:d=0.04,format=rgba,` +
    `geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*clip(${radius - 1}-hypot(X-${radius},Y-${radius}),0,1)',` +
    `loop=-1:1,setpts=N/(${framesPerSecond}*TB)[${label}]`
  )
}

const turn = (periodSeconds) => `2*PI*t/${periodSeconds}`
const picture = [
  `gradients=s=640x360:r=${framesPerSecond}:d=${loopSeconds}:c0=0x07202c:c1=0x125b66:x0=0:y0=0:x1=640:y1=360:n=2:speed=0.00001[sky]`,
  circle('sun', 96, '0xf2b84b'),
  circle('stone', 56, '0xe8f1f2'),
  circle('leaf', 34, '0x5fd1a8'),
  circle('tick', 22, '0xff6b57'),
  `color=c=0x2aa7a1:s=640x10:r=${framesPerSecond}:d=${loopSeconds}[bar]`,
  `[sky][sun]overlay=x='272+190*sin(${turn(16)})':y='118+62*sin(${turn(8)})':shortest=1[a]`,
  `[a][stone]overlay=x='292+230*cos(${turn(8)})':y='138+80*sin(${turn(16)})':shortest=1[b]`,
  `[b][leaf]overlay=x='303+150*sin(${turn(4)})':y='150+90*cos(${turn(8)})':shortest=1[c]`,
  `[c][bar]overlay=x='-640+640*t/${loopSeconds}':y=350:shortest=1[d]`,
  `[d][tick]overlay=x=594:y=22:shortest=1:enable='lt(mod(t,1),0.12)'[e]`,
  `[e]drawtext=text='Headwater':x=24:y=20:fontsize=30:fontcolor=white,` +
    `drawtext=text='demo clip  %{eif\\:t\\:d\\:2} / ${loopSeconds} s':x=24:y=60:fontsize=20:fontcolor=0xcfe6e6,` +
    `format=yuv420p,split=${renditions.length}${renditions.map((_, i) => `[s${i}]`).join('')}`,
  ...renditions.map((r, i) => `[s${i}]scale=${r.width}:${r.height}:flags=lanczos[v${i}]`),
].join(';')

// A tick each second, the loop's first one an octave higher.
const sound =
  `aevalsrc=exprs='0.35*exp(-14*mod(t\\,1))*sin(2*PI*if(lt(t\\,1)\\,880\\,440)*t)` +
  `+0.03*sin(2*PI*110*t)':s=48000:d=${loopSeconds}`

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) throw new Error(`${command} failed:\n${result.stderr}`)
  return result.stdout
}

/** `avc1.PPCCLL` from the first sequence parameter set of an H.264 elementary stream. */
function h264Codec(path) {
  const stream = spawnSync(
    'ffmpeg',
    ['-v', 'error', '-f', 'mpegts', '-i', path, '-map', '0:v', '-c', 'copy', '-f', 'h264', '-'],
    { maxBuffer: 1 << 26 },
  ).stdout
  const at = stream.indexOf(Buffer.from([0, 0, 1, 0x67]))
  if (at < 0) throw new Error(`${path}: no sequence parameter set`)
  return `avc1.${stream.subarray(at + 4, at + 7).toString('hex')}`
}

rmSync(clipDir, { recursive: true, force: true })
for (const { name } of renditions) mkdirSync(join(clipDir, name), { recursive: true })

const outputs = renditions.flatMap((r, i) => [
  ...['-map', `[v${i}]`, '-map', '0:a'],
  ...['-c:v', 'libx264', '-profile:v', 'main', '-preset', 'veryslow', '-bf', '0'],
  ...['-crf', String(r.crf), '-maxrate', `${r.maxrateKbps}k`, '-bufsize', `${r.maxrateKbps * 2}k`],
  ...['-g', String(framesPerSecond * segmentSeconds), '-keyint_min', String(framesPerSecond * 2)],
  ...['-sc_threshold', '0', '-flags', '+cgop+bitexact', '-fflags', '+bitexact'],
  ...['-c:a', 'aac', '-b:a', `${r.audioKbps}k`, '-ac', '1', '-ar', '48000', '-frames:a', '750'],
  ...['-f', 'hls', '-hls_time', String(segmentSeconds), '-hls_list_size', '0'],
  ...['-hls_segment_filename', join(clipDir, r.name, 'seg_%05d.seg')],
  join(clipDir, r.name, 'made.m3u8'),
])
run('ffmpeg', [
  ...['-y', '-v', 'error', '-f', 'lavfi', '-i', sound],
  ...['-filter_complex', picture, ...outputs],
])

const clip = { framesPerSecond, renditions: [] }
let totalBytes = 0
for (const r of renditions) {
  const dir = join(clipDir, r.name)
  const playlist = readFileSync(join(dir, 'made.m3u8'), 'utf8')
  rmSync(join(dir, 'made.m3u8'))
  const durationsSeconds = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map((m) => Number(m[1]))
  const names = readdirSync(dir).sort()
  const sizes = names.map((name) => statSync(join(dir, name)).size)
  if (durationsSeconds.length !== names.length || names.length !== loopSeconds / segmentSeconds) {
    throw new Error(`${r.name}: ${names.length} segments, ${durationsSeconds.length} durations`)
  }
  const rendBytes = sizes.reduce((sum, size) => sum + size, 0)
  totalBytes += rendBytes
  clip.renditions.push({
    name: r.name,
    widthPixels: r.width,
    heightPixels: r.height,
    bandwidthBitsPerSecond: Math.max(
      ...sizes.map((size, i) => Math.ceil((size * 8) / durationsSeconds[i])),
    ),
    averageBandwidthBitsPerSecond: Math.ceil((rendBytes * 8) / loopSeconds),
    codecs: `${h264Codec(join(dir, names[0]))},mp4a.40.2`,
    segments: names.map((name, i) => ({
      file: `${r.name}/${name}`,
      durationSeconds: durationsSeconds[i],
    })),
  })
}
if (totalBytes > clipBytesMax) throw new Error(`The clip has ${totalBytes} bytes: too large.`)
writeFileSync(join(clipDir, 'clip.json'), `${JSON.stringify(clip, null, 2)}\n`)
console.log(`${totalBytes} bytes in ${clipDir}`)
