/** Light, dark, or as the system has it; kept for this browser. */

export type Theme = 'system' | 'light' | 'dark'

const STORAGE_KEY = 'headwater.theme'

export function loadTheme(): Theme {
  try {
    const kept = localStorage.getItem(STORAGE_KEY)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    // Ignored: storage is blocked.
    return 'system'
  }
}

/** Also tells charts, whose colours are not CSS's, by `headwater-theme` on the window. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  try {
    if (theme === 'system') localStorage.removeItem(STORAGE_KEY)
    else localStorage.setItem(STORAGE_KEY, theme)
  } catch {
    // Ignored: storage is blocked; it holds for this page.
  }
  window.dispatchEvent(new Event('headwater-theme'))
}
