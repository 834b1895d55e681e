/** The icons of the console, drawn here: 20 by 20, one stroke. Decoration: words stand beside them. */

const PATHS = {
  overview: 'M3 16V9M8 16V4M13 16v-5M18 16V7M2 18h17',
  channels: 'M10 12.5v5M7 17.5h6M6.5 9a4.5 4.5 0 1 1 7 0M4 11.5a7.5 7.5 0 1 1 12 0M10 7v0',
  caches:
    'M3.5 5c0-1.4 2.9-2.5 6.5-2.5s6.5 1.1 6.5 2.5v10c0 1.4-2.9 2.5-6.5 2.5S3.5 16.4 3.5 15zM3.5 5c0 1.4 2.9 2.5 6.5 2.5s6.5-1.1 6.5-2.5M3.5 10c0 1.4 2.9 2.5 6.5 2.5s6.5-1.1 6.5-2.5',
  keys: 'M12.5 11.5a4.5 4.5 0 1 0-4-4.5c0 .7.100 1.3.400 1.9L2.5 15.5v2h3v-2h2v-2h2l1.5-1.7M14 6v0',
  connect: 'M7 13l6-6M9 5l1.5-1.5a4.24 4.24 0 0 1 6 6L15 11M5 9l-1.5 1.5a4.24 4.24 0 0 0 6 6L11 15',
  why: 'M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM7.8 7.8a2.3 2.3 0 1 1 3.4 2c-.8.500-1.2 1-1.2 1.9M10 14.3v0',
  rig: 'M8 2.5h4M9 2.5v5L4 15.5a1.4 1.4 0 0 0 1.2 2h9.6a1.4 1.4 0 0 0 1.2-2L11 7.5v-5M6.5 12h7',
  copy: 'M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z',
  check: 'M4 10.5l4 4 8-9',
  close: 'M5 5l10 10M15 5L5 15',
  warning: 'M10 3L1.8 17h16.4zM10 8v4M10 14.5v0',
  'sign-out': 'M12 3.5H4v13h8M8 10h10M15 7l3 3-3 3',
  light:
    'M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M16 4l-1.4 1.4M5.4 14.6L4 16',
  dark: 'M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z',
  system: 'M2.5 3.5h15v10h-15zM7 17.5h6M10 13.5v4',
  back: 'M12 4l-6 6 6 6',
  play: 'M6 3.5v13l10-6.5z',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
