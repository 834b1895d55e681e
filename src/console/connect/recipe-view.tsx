/** One recipe of the page Connect. */

import { CodeBlock } from '../ui/code-block.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Icon } from '../ui/icons.tsx'
import { Card } from '../ui/parts.tsx'
import type { Recipe, RecipePart } from './recipe.ts'

export function RecipeView({ recipe }: { readonly recipe: Recipe }) {
  return (
    <Card title={recipe.title} class="recipe">
      {recipe.parts.map((part, index) => (
        <Part key={`${recipe.name} ${index}`} part={part} />
      ))}
    </Card>
  )
}

function Part({ part }: { readonly part: RecipePart }) {
  switch (part.kind) {
    case 'words':
      return part.isWarning === true ? (
        <div class="banner banner-wait">
          <Icon name="warning" />
          <p>{part.text}</p>
        </div>
      ) : (
        <p class="recipe-words">{part.text}</p>
      )
    case 'lines':
      return <CodeBlock title={part.title} text={part.text} />
    case 'file':
      return <CodeBlock title={part.title} text={part.text} fileName={part.fileName} />
    case 'values':
      return <Values title={part.title} rows={part.rows} />
    case 'link':
      return (
        <p>
          <a class="button" href={part.href} target="_blank" rel="noreferrer noopener">
            {part.text}
          </a>
        </p>
      )
  }
}

function Values(props: {
  readonly title: string
  readonly rows: readonly (readonly [field: string, value: string])[]
}) {
  return (
    <div class="values">
      <h3>{props.title}</h3>
      <dl>
        {props.rows.map(([field, value]) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              <code>{value}</code>
              <CopyButton text={value} label={field} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
