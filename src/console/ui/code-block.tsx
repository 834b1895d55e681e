/** Lines to copy, as they are; they scroll by themselves when they are wider than the page. */

import { useId } from 'preact/hooks'
import { CopyButton } from './copy-button.tsx'
import { downloadText } from './download.ts'

export function CodeBlock(props: {
  readonly title: string
  readonly text: string
  /** Can be saved under this name; long ones are shown in a window of their own height. */
  readonly fileName?: string
}) {
  const { title, text, fileName } = props
  const titleId = useId()
  return (
    <div class="code-block">
      <div class="code-head">
        <h3 id={titleId}>{title}</h3>
        <div class="code-actions">
          {fileName !== undefined && (
            <button type="button" class="copy" onClick={() => downloadText(fileName, text)}>
              Download {fileName}
            </button>
          )}
          <CopyButton text={text} label={title} />
        </div>
      </div>
      <pre
        class={fileName === undefined ? 'code' : 'code code-file'}
        // Who has no mouse scrolls it.
        tabIndex={0}
        role="region"
        aria-labelledby={titleId}
      >
        <code>{text}</code>
      </pre>
    </div>
  )
}
