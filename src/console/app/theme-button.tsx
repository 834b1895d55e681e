/** Turns from the system's colours to light to dark. */

import { useState } from 'preact/hooks'
import { Icon } from '../ui/icons.tsx'
import { applyTheme, loadTheme } from './theme.ts'
import type { Theme } from './theme.ts'

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }
const WORDS: Readonly<Record<Theme, string>> = {
  system: 'Colours: system',
  light: 'Colours: light',
  dark: 'Colours: dark',
}

export function ThemeButton() {
  const [theme, setTheme] = useState(loadTheme)
  const turn = () => {
    const next = NEXT[theme]
    applyTheme(next)
    setTheme(next)
  }
  return (
    <button type="button" class="bare theme-button" onClick={turn}>
      <Icon name={theme} />
      <span>{WORDS[theme]}</span>
    </button>
  )
}
