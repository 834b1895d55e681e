/** The part of `--help` that lists the settings' flags, made from the settings table. */

import { SECTIONS, SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'

const INDENT = '      '

/**
 * @param columns  Width to wrap at.
 * @returns Groups of flags with their meaning and default, ending with a line break.
 */
export function settingsHelp(columns = 96): string {
  const groups = SECTIONS.flatMap((section) => {
    const settings = SETTINGS.filter((setting) => setting.section === section.path)
    if (settings.length === 0) return []
    const title = section.path === '' ? 'General' : `${section.path}: ${section.description}`
    return [
      [
        ...wrapText(title, columns),
        ...settings.flatMap((setting) => settingLines(setting, columns)),
      ].join('\n'),
    ]
  })
  return `${groups.join('\n\n')}\n`
}

/** Lines of at most `columns` characters; a longer word stands alone. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines
}

function settingLines(setting: Setting, columns: number): string[] {
  const flags = setting.flagNames.map((name) => `--${name}`).reverse()
  const head = setting.isSecret
    ? wrapText(`${setting.envName} or ${String(setting.envFileName)}`, columns - 2)
    : [`${flags.join(', ')}${placeholder(setting)}`]
  const text = `${setting.description.replaceAll('`', '')} ${note(setting)}`
  return [
    ...head.map((line) => `  ${line}`),
    ...wrapText(text, columns - INDENT.length).map((line) => `${INDENT}${line}`),
  ]
}

function placeholder({ type, choices, unit }: Setting): string {
  switch (type) {
    case 'boolean':
      return ''
    case 'integer':
    case 'number':
      return ` ${unit?.toUpperCase() ?? 'NUMBER'}`
    case 'choice':
      return ` ${choices.map((choice) => String(choice.value)).join('|')}`
    case 'string':
      return ' TEXT'
    case 'strings':
      return ' TEXT,…'
    case 'list':
      return ' JSON'
  }
}

function note({ defaultValue, isSecret }: Setting): string {
  if (isSecret) return '[secret: no flag]'
  const text = typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue)
  return `[default: ${text === '' || text === '[]' ? 'none' : text}]`
}
