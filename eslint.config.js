import tseslint from 'typescript-eslint'

/**
 * The house (CONTRIBUTING.md, "Rooms and floors"): a room imports from the floors below it and from
 * itself, never from a sibling or from above.
 */
const floors = [
  ['base'],
  ['auth', 'storage', 'hls', 'config'],
  ['origin', 'wire', 'rig', 'tape'],
  ['http', 'lane', 'metrics'],
  ['app.ts', 'app'],
  ['cli', 'main.ts'],
  ['testcontainers.ts'],
]

const floorRules = floors.flatMap((rooms, floor) =>
  rooms.map((room) => {
    const forbidden = floors
      .slice(floor)
      .flat()
      .filter((other) => other !== room)
      // The process entry and its commands are one floor on purpose: main.ts only starts cli/.
      .filter((other) => !(room === 'main.ts' && other === 'cli'))
      // The library's entry and the composition root behind it.
      .filter((other) => !(room === 'app.ts' && other === 'app'))
    return {
      files: [room.endsWith('.ts') ? `src/${room}` : `src/${room}/**`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: forbidden.map((other) => ({
              group: other.endsWith('.ts') ? [`**/${other}`] : [`**/${other}/**`],
              message: `src/${room} may not import src/${other}: imports point down.`,
            })),
          },
        ],
      },
    }
  }),
)

export default tseslint.config(
  { ignores: ['dist', '.tap', 'coverage', 'test/fixtures'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'scripts/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
  },
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      'no-console': 'error',
      'no-restricted-globals': [
        'error',
        {
          name: 'Date',
          message: 'Time comes from the injected Clock (base/clock.ts).',
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='process'][property.name=/^(env|argv)$/]",
          message: 'Only cli/ and main.ts read the environment and the command line.',
        },
      ],
    },
  },
  ...floorRules,
  {
    files: ['src/cli/**', 'src/main.ts', 'test/**', 'bench/**', 'scripts/**'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: [
      'src/base/clock.ts',
      'src/base/dates.ts',
      'src/console/**',
      'test/**',
      'bench/**',
      'scripts/**',
    ],
    rules: { 'no-restricted-globals': 'off' },
  },
  {
    files: ['src/console/**'],
    languageOptions: {
      parserOptions: { projectService: false, project: './tsconfig.console.json' },
    },
  },
  {
    files: ['test/**', 'bench/**'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['scripts/**', 'bench/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['scripts/**', 'eslint.config.js'],
    extends: [tseslint.configs.disableTypeChecked],
  },
)
