import t from 'tap'
import { formatFfmpegCommand, quoteArgument } from '../../../src/base/lines/ffmpeg-command.ts'
import {
  formatClockFilter,
  toLadderArguments,
  toSingleArguments,
} from '../../../src/base/lines/ffmpeg-arguments.ts'
import type { FfmpegSource } from '../../../src/base/lines/ffmpeg-arguments.ts'
import { toLadder } from '../../../src/base/lines/ladder.ts'
import { parseLadder } from '../../../src/cli/demo/ladder.ts'

const target = {
  dataPlaneUrl: 'http://127.0.0.1:8080/',
  cacheName: 'live-origin',
  encoderKey: 'eyJ.abc-_',
  keyPrefix: 'demo/',
  ttlSeconds: 300,
}
const encoding = {
  framesPerSecond: 25,
  segmentSeconds: 2,
  preset: 'ultrafast',
  multivariantEverySegments: 15,
}
const command = (shell: 'bash' | 'powershell' | 'cmd', variant: 'single' | 'ladder') =>
  formatFfmpegCommand({
    shell,
    variant,
    dataPlaneUrl: 'http://127.0.0.1:8080',
    cacheName: 'live-origin',
    encoderKey: 'eyJ.abc-_',
  })

t.test('arguments are quoted for each shell only where they must be', async (t) => {
  const rows: [text: string, bash: string, powershell: string, cmd: string][] = [
    ['-b:v:0', '-b:v:0', '-b:v:0', '-b:v:0'],
    ['', "''", "''", '""'],
    ['a b', "'a b'", "'a b'", '"a b"'],
    ["it's", `'it'\\''s'`, "'it''s'", '"it\'s"'],
    ['say "x"', `'say "x"'`, `'say "x"'`, '"say ""x"""'],
    ['$HOME', "'$HOME'", "'$HOME'", '"$HOME"'],
    ['a&b|c', "'a&b|c'", "'a&b|c'", '"a&b|c"'],
    ['a,b', "'a,b'", "'a,b'", '"a,b"'],
    ['p_%05d.ts?x=1', "'p_%05d.ts?x=1'", "'p_%05d.ts?x=1'", '"p_%05d.ts?x=1"'],
    ["A: k'\\\r\n", "$'A: k\\'\\\\\\r\\n'", `"A: k'\\\`r\`n"`, `"A: k'\\"`],
    ['A: $k`"\r\n', `$'A: $k\`"\\r\\n'`, '"A: `$k```"`r`n"', '"A: $k`"""'],
  ]
  for (const [text, bash, powershell, cmd] of rows) {
    t.equal(quoteArgument('bash', text), bash, `bash: ${text}`)
    t.equal(quoteArgument('powershell', text), powershell, `PowerShell: ${text}`)
    t.equal(quoteArgument('cmd', text), cmd, `cmd: ${text}`)
  }
})

t.test('lines are continued in the way of the shell', async (t) => {
  for (const [shell, ending] of [
    ['bash', ' \\'],
    ['powershell', ' `'],
    ['cmd', ' ^'],
  ] as const) {
    const lines = command(shell, 'ladder').split('\n')
    t.ok(lines.length > 5)
    for (const line of lines.slice(0, -1)) t.ok(line.endsWith(ending), `${shell}: ${line}`)
    t.ok(lines.every((line, index) => index === 0 || line.startsWith('  ')))
  }
})

t.test('the printed single line carries the key in a header and a TTL in every URL', async (t) => {
  const text = command('bash', 'single')
  t.match(text, "-headers $'Authorization: eyJ.abc-_\\r\\n'")
  t.equal(text.match(/\?ttl_seconds=3600/g)?.length, 2)
  t.match(text, "'http://127.0.0.1:8080/cache/live-origin/playlist_%05d.ts?ttl_seconds=3600'")
  t.match(text, /live-origin\/playlist\.m3u8\?ttl_seconds=3600'$/)
  t.notMatch(text, 'token=')
  t.match(text, '-http_persistent 1 -timeout 10 -ignore_io_errors 1')
  t.match(text, '-hls_start_number_source epoch')
})

t.test("the printed ladder has the guide's names and the query three times", async (t) => {
  const text = command('powershell', 'ladder')
  t.match(text, '-headers "Authorization: eyJ.abc-_`r`n"')
  t.equal(text.match(/\?ttl_seconds=3600/g)?.length, 3)
  t.match(text, "'v:0,a:0,name:720p30 v:1,a:1,name:480p30 v:2,a:2,name:240p30'")
  t.match(text, '-b:v:0 2500k')
  t.match(text, '-b:v:2 750k')
  t.match(command('cmd', 'ladder'), '-headers "Authorization: eyJ.abc-_" ^')
})

t.test('a prefix and a TTL of choice reach every name', async (t) => {
  const text = formatFfmpegCommand({
    shell: 'bash',
    variant: 'ladder',
    dataPlaneUrl: 'https://origin.example/base',
    cacheName: 'c',
    encoderKey: 'KEY',
    keyPrefix: 'ch1/',
    ttlSeconds: 60,
  })
  t.match(text, "'https://origin.example/base/cache/c/ch1/playlist_%v_%05d.ts?ttl_seconds=60'")
  t.match(text, "-master_pl_name 'playlist.m3u8?ttl_seconds=60'")
})

t.test('inputs follow the source', async (t) => {
  const ladder = toLadder([360, 240], 25)
  const rows: [source: FfmpegSource, expected: string[], audioMap: string][] = [
    [{ kind: 'pattern' }, ['testsrc2=size=640x360:rate=25'], '1:a:0'],
    [
      { kind: 'file', path: 'a.mp4', hasAudio: true },
      ['-stream_loop', '-1', '-re', 'a.mp4'],
      '0:a:0',
    ],
    [
      { kind: 'file', path: 'a.mp4', hasAudio: false },
      ['a.mp4', 'anullsrc=channel_layout=stereo:sample_rate=48000'],
      '1:a:0',
    ],
  ]
  for (const [source, expected, audioMap] of rows) {
    const args = toLadderArguments(ladder, source, encoding, target).flat()
    for (const text of expected) t.ok(args.includes(text), text)
    t.equal(args.filter((text) => text === audioMap).length, 2)
    t.equal(
      args.at(-1),
      'http://127.0.0.1:8080/cache/live-origin/demo/playlist_%v.m3u8?ttl_seconds=300',
    )
  }
})

t.test('the picture gets a clock when there is a font, a file keeps its shape', async (t) => {
  const filterOf = (source: FfmpegSource) => {
    const args = toLadderArguments(toLadder([240], 25), source, encoding, target).flat()
    return args[args.indexOf('-filter_complex') + 1]
  }
  t.notMatch(filterOf({ kind: 'pattern' }), 'drawtext')
  t.match(filterOf({ kind: 'pattern', clockFontFile: '' }), "[0:v]drawtext=text='%{localtime}'")
  t.match(
    formatClockFilter('C:/Windows/Fonts/arial.ttf'),
    "fontfile='C\\:/Windows/Fonts/arial.ttf'",
  )
  t.match(filterOf({ kind: 'file', path: 'a', hasAudio: true }), 'fps=25,split=1')
  t.match(filterOf({ kind: 'file', path: 'a', hasAudio: true }), 'force_original_aspect_ratio')
})

t.test('one rendition needs no multivariant playlist', async (t) => {
  const [rung] = toLadder([480], 30)
  if (rung === undefined) throw new Error('no rung')
  const args = toSingleArguments(rung, { kind: 'pattern' }, encoding, target).flat()
  t.notOk(args.includes('-master_pl_name'))
  t.equal(args[args.indexOf('-vf') + 1], 'scale=854:480')
})

t.test('a ladder has even 16:9 sizes and rising bitrates', async (t) => {
  const ladder = toLadder([1080, 720, 480, 360, 240, 144], 25)
  t.same(
    ladder.map((rung) => `${rung.name} ${rung.widthPixels} ${rung.videoKbps}`),
    [
      '1080p25 1920 5000',
      '720p25 1280 2500',
      '480p25 854 1500',
      '360p25 640 1000',
      '240p25 426 750',
      '144p25 256 300',
    ],
  )
})

t.test('--ladder takes heights and says what is wrong with others', async (t) => {
  t.same(parseLadder('720, 480p,240'), [720, 480, 240])
  t.same(parseLadder('120'), [120])
  t.same(parseLadder('2160'), [2160])
  t.equal(parseLadder('120,122,124,126,128,130,132,134').length, 8)
  for (const text of ['', '720,', 'hd', '118', '2162', '481', '720,720', '-240', '1e3']) {
    t.throws(() => parseLadder(text), { code: 'HW_CLI_USAGE' }, text)
  }
  t.throws(() => parseLadder('120,122,124,126,128,130,132,134,136'), { code: 'HW_CLI_USAGE' })
})
