/**
 * The pages about settings, made from the settings table: `docs/configuration.md` and
 * `.env.example`. Pure text; `scripts/docs.mjs` writes it, a test compares it.
 */

import { errorsMarkdown } from '../base/errors-markdown.ts'
import { COMMAND_ENV_NAMES } from './env-names.ts'
import { configJsonSchema } from './json-schema.ts'
import { wrapText } from './settings-help.ts'
import { PROFILE_DEFINITIONS } from './profiles.ts'
import { PROFILES } from './schema.ts'
import { SECTIONS, SETTINGS } from './settings.ts'
import type { Section, Setting } from './settings.ts'
import { settingValue } from './setting-value.ts'

/** Every generated file: path from the root of the repository -> text. */
export function referenceFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', configurationMarkdown()],
    ['docs/errors.md', errorsMarkdown()],
    ['docs/headwater.config.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
    ['.env.example', envExample()],
  ])
}

/** `docs/configuration.md`. */
export function configurationMarkdown(): string {
  return [INTRODUCTION, profilesMarkdown(), ...SECTIONS.map(sectionMarkdown), FOOTER].join('\n')
}

/** `.env.example`: every variable, commented out, with its default. */
export function envExample(): string {
  const lines = [
    '# Environment variables of Headwater, each with its default. Made by `npm run docs`.',
    '# Nothing reads this file by itself: pass a copy with `docker run --env-file` or compose.',
    '# An empty variable counts as not set.',
    '',
  ]
  for (const setting of SETTINGS) {
    const names = [setting.envName, ...(setting.envFileName ?? '').split(' ')]
    lines.push(...wrapText(`${plainText(setting)}${constraints(setting)}`, 96).map(toComment))
    const value = setting.type === 'strings' ? '' : formatDefault(setting)
    lines.push(...names.filter((name) => name !== '').map((name) => `#${name}=${value}`), '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

const INTRODUCTION = `<!-- Generated from src/config/ by \`npm run docs\`; do not edit. -->

# Configuration

Every setting has a path, an environment variable and a flag. Later sources win:

1. the default
2. the [profile](#profiles)
3. the settings file: \`headwater.config.json\` in the working directory, or the one that \`--config FILE\` or \`HEADWATER_CONFIG\` names
4. environment variables
5. flags

\`headwater config\` prints the effective values and where each comes from; \`headwater config http.port\` prints one, \`headwater config http\` a group.

A start with a wrong setting fails and lists every fault with the setting, its value, its source and what to do. Unknown names in the file and unknown flags are faults. Unknown \`HEADWATER_*\` variables are warnings, because orchestrators make some: Kubernetes injects \`HEADWATER_SERVICE_HOST\` and its like for a service called \`headwater\`.

## How values are written

- **File**: JSON, one object for each group. Editors complete and check it with the schema next to this page.

  \`\`\`json
  {
    "$schema": "./docs/headwater.config.schema.json",
    "http": { "port": 9000 },
    "caches": { "items": [{ "name": "live-origin", "defaultTtlSeconds": 600 }] }
  }
  \`\`\`

- **Numbers** are digits only, in the unit that the name ends with: \`10\`, never \`10s\` or \`10_000\`.
- **Booleans**: \`true\` or \`false\` (\`1\`, \`0\`); as a flag \`--caches-auto-create\`, \`--no-caches-auto-create\`.
- **Lists** in a variable or a flag are separated by commas; a flag can also be repeated. \`caches.items\` is JSON there.
- **An empty variable** counts as not set.
- **Secrets** have no flag, which every user of the machine could read. Besides its variable each has one that ends with \`_FILE\` and names a file with the value, as Docker and Kubernetes mount them.
- \`--port\` and \`--host\` are short for \`--http-port\` and \`--http-host\`.
`

const FOOTER = `## Other variables

${COMMAND_ENV_NAMES.map((name) => `\`${name}\``).join(', ')}: the settings file, the server and key that commands such as \`headwater key\` use, and the keys that \`headwater doctor\` reads with. They are not settings.
`

function profilesMarkdown(): string {
  const paths = SETTINGS.map((setting) => setting.path).filter((path) =>
    PROFILES.some((name) => profileValue(name, path) !== undefined),
  )
  const columns = PROFILES.filter((name) => name !== 'default')
  const rows = paths.map((path) => {
    const cells = columns.map((name) => {
      const value = profileValue(name, path)
      return value === undefined ? '' : `\`${JSON.stringify(value)}\``
    })
    return `| \`${path}\` | ${cells.join(' | ')} |`
  })
  return `## Profiles

A profile sets defaults together: \`--profile dev\`, \`HEADWATER_PROFILE=dev\`, or \`"profile": "dev"\` in the file. Anything that is set elsewhere wins over it.

${PROFILES.map((name) => `- \`${name}\`: ${PROFILE_DEFINITIONS[name].summary}`).join('\n')}

| Setting | ${columns.map((name) => `\`${name}\``).join(' | ')} |
| --- |${' --- |'.repeat(columns.length)}
${rows.join('\n')}
`
}

function profileValue(name: (typeof PROFILES)[number], path: string): unknown {
  return settingValue(PROFILE_DEFINITIONS[name].values, path)
}

function sectionMarkdown(section: Section): string {
  const settings = SETTINGS.filter((setting) => setting.section === section.path)
  if (settings.length === 0) return ''
  const title = section.path === '' ? 'General' : `\`${section.path}\``
  const rows = settings.map((setting) => {
    const flags = setting.flagNames.map((name) => `\`--${name}\``)
    const envNames = [setting.envName, setting.envFileName].filter((name) => name !== undefined)
    const cells = [
      `\`${setting.path}\``,
      defaultCell(setting),
      envNames.map((name) => `\`${name}\``).join('<br>'),
      flags.length === 0 ? 'none: a secret' : flags.join('<br>'),
      `${setting.description}${constraints(setting)}`,
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  const intro = section.description === '' ? '' : `${section.description}\n\n`
  return `## ${title}

${intro}| Setting | Default | Environment | Flag | Meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
${settings.map(itemsMarkdown).join('')}`
}

function itemsMarkdown(list: Setting): string {
  if (list.itemSettings.length === 0) return ''
  const rows = list.itemSettings.map((field) => {
    const need = field.isRequired ? 'required' : 'optional'
    return `| \`${field.path}\` | ${need} | ${field.description}${constraints(field)} |`
  })
  return `
Each entry of \`${list.path}\` is an object:

| Name | | Meaning |
| --- | --- | --- |
${rows.join('\n')}
`
}

function defaultCell(setting: Setting): string {
  const text = formatDefault(setting)
  return text === '' ? 'empty' : `\`${text}\``
}

function formatDefault({ defaultValue }: Setting): string {
  return typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue)
}

/** ` 0 to 65535.`, ` One of …`: what the description leaves to the schema. */
function constraints({ type, choices, minimum, maximum }: Setting): string {
  const parts: string[] = []
  if (minimum !== undefined && maximum !== undefined) {
    parts.push(`${String(minimum)} to ${String(maximum)}.`)
  } else if (minimum !== undefined) {
    parts.push(`At least ${String(minimum)}.`)
  }
  if (type === 'choice') {
    parts.push(`One of ${choices.map(({ value }) => `\`${String(value)}\``).join(', ')}.`)
  }
  return parts.map((part) => ` ${part}`).join('')
}

function plainText(setting: Setting): string {
  return `${setting.path}: ${setting.description}`
}

function toComment(line: string): string {
  return `# ${line}`
}
