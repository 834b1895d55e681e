/** CDNs in front of the origin: CloudFront, Varnish, nginx. docs/cdn.md has the reasons. Pure. */

import { formatCommand } from '../../base/lines/ffmpeg-command.ts'
import { isLocalUrl } from '../../base/lines/medialive.ts'
import { fillTemplate, originAddress } from './cdn-template.ts'
import type { CdnFiles } from './cdn-template.ts'
import type { ConnectTarget } from './connect-target.ts'
import type { Recipe, RecipePart } from './recipe.ts'

const KEY_WORDS: RecipePart = {
  kind: 'words',
  text: 'The CDN adds the player key to its requests, so that viewers need none. Give it a key that may only read, and that does not expire while it is used.',
}

export function cloudFrontRecipe(target: ConnectTarget, files: CdnFiles): Recipe {
  const { scheme, host, port } = originAddress(target.dataPlaneUrl)
  const isReachable = scheme === 'https' && !isLocalUrl(target.dataPlaneUrl)
  const aws = (...groups: string[][]) => formatCommand(target.shell, 'aws', groups)
  return {
    name: 'cloudfront',
    title: 'CloudFront',
    parts: [
      ...(isReachable ? [] : [UNREACHABLE_WORDS]),
      KEY_WORDS,
      {
        kind: 'file',
        title: '1. The key, for a secret',
        fileName: 'player-key.json',
        text: `${JSON.stringify({ apiKey: target.playerKey }, undefined, 2)}\n`,
      },
      {
        kind: 'file',
        title: '2. The template',
        fileName: 'distribution.yaml',
        text: files.cloudFront,
      },
      {
        kind: 'lines',
        title: '3. Deploy',
        text: [
          aws(
            ['secretsmanager', 'create-secret', '--name', 'headwater-player-key'],
            ['--secret-string', 'file://player-key.json'],
          ),
          aws(
            ['cloudformation', 'deploy', '--template-file', 'distribution.yaml'],
            ['--stack-name', 'headwater-cdn', '--parameter-overrides'],
            [`OriginDomainName=${host}`, `OriginHttpsPort=${scheme === 'https' ? port : '443'}`],
            [`CacheName=${target.cacheName}`, 'PlayerKeySecret=headwater-player-key'],
          ),
        ].join('\n'),
      },
      {
        kind: 'values',
        title: 'Or by hand, in the distribution’s origin',
        rows: [
          ['Origin domain', host],
          ['Origin path', `/cache/${target.cacheName}`],
          ['Protocol', `HTTPS only, port ${scheme === 'https' ? port : '443'}`],
          ['Custom header', 'Authorization'],
          ['Its value', target.playerKey],
        ],
      },
      viewersOpen(target, 'https://<distribution>.cloudfront.net'),
    ],
  }
}

const UNREACHABLE_WORDS: RecipePart = {
  kind: 'words',
  isWarning: true,
  text: 'CloudFront needs an https address with a name, and a certificate that it trusts. Enter above the one that the origin has from outside.',
}

export function varnishRecipe(target: ConnectTarget, files: CdnFiles): Recipe {
  const isTls = originAddress(target.dataPlaneUrl).scheme === 'https'
  return {
    name: 'varnish',
    title: 'Varnish',
    parts: [
      ...(isTls ? [TLS_WORDS] : []),
      KEY_WORDS,
      {
        kind: 'file',
        title: '1. The configuration, for Varnish 7',
        fileName: 'default.vcl',
        text: fillTemplate(files.varnish, target),
      },
      {
        kind: 'lines',
        title: '2. Run it where the file is',
        text: formatCommand('bash', 'varnishd', [
          ['-F', '-f', './default.vcl', '-a', ':8000', '-s', 'malloc,256m'],
          ['-p', 'backend_idle_timeout=55', '-p', 'vsl_mask=-BereqHeader'],
        ]).replace('./default.vcl', '"$PWD/default.vcl"'),
      },
      viewersOpen(target, 'http://<this machine>:8000'),
    ],
  }
}

const TLS_WORDS: RecipePart = {
  kind: 'words',
  isWarning: true,
  text: 'Varnish speaks no TLS to an origin. Enter above the origin’s http address in your network, or put a TLS proxy between.',
}

export function nginxRecipe(target: ConnectTarget, files: CdnFiles): Recipe {
  return {
    name: 'nginx',
    title: 'nginx',
    parts: [
      KEY_WORDS,
      {
        kind: 'file',
        title: '1. The configuration, for nginx 1.22 and later',
        fileName: 'nginx.conf',
        text: fillTemplate(files.nginx, target),
      },
      {
        kind: 'lines',
        title: '2. Run it where the file is',
        text: [
          'mkdir -p temp cache',
          `nginx -p "$PWD" -c "$PWD/nginx.conf" -e stderr -g 'daemon off;'`,
        ].join('\n'),
      },
      viewersOpen(target, 'http://<this machine>:8000'),
    ],
  }
}

function viewersOpen(target: ConnectTarget, base: string): RecipePart {
  return {
    kind: 'lines',
    title: 'Viewers open, without a key',
    text: `${base}/${target.keyPrefix}playlist.m3u8`,
  }
}
