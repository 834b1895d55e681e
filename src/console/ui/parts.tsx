/**
 * The small parts that pages are made of: head, card, empty state, error, badge, loading. What has
 * behaviour has a file of its own (dialog, field, table, copy-button, chart).
 */

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { toSentences } from '../api/api-error.ts'
import { Icon } from './icons.tsx'
import type { IconName } from './icons.tsx'
import type { Tone } from './tone.ts'

/** The page's only `h1`; takes the focus when the page is opened, so that it is read out. */
export function PageHead(props: {
  readonly title: string
  /** One line under it. */
  readonly lead?: ComponentChildren
  /** Buttons at its side. */
  readonly actions?: ComponentChildren
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${props.title} · Headwater`
  }, [props.title])
  useEffect(() => heading.current?.focus({ preventScroll: true }), [])
  return (
    <div class="page-head">
      <div class="page-head-words">
        <h1 ref={heading} tabIndex={-1}>
          {props.title}
        </h1>
        {props.lead !== undefined && <p class="lead">{props.lead}</p>}
      </div>
      {props.actions !== undefined && <div class="page-actions">{props.actions}</div>}
    </div>
  )
}

/** A titled part of a page. */
export function Card(props: {
  readonly title: string
  /** Beside the title: a figure, a button. */
  readonly aside?: ComponentChildren
  readonly class?: string
  readonly children: ComponentChildren
}) {
  return (
    <section class={`card ${props.class ?? ''}`} aria-label={props.title}>
      <div class="card-head">
        <h2>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  )
}

/** Instead of nothing: why there is nothing, and what to do. */
export function Empty(props: {
  readonly title: string
  readonly icon?: IconName
  readonly children?: ComponentChildren
}) {
  return (
    <div class="empty">
      {props.icon !== undefined && <Icon name={props.icon} />}
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  )
}

/** What went wrong, in the server's words. Renders nothing without an error. */
export function ErrorBanner(props: {
  /** A thrown error, or a sentence; `undefined` and '' are none. */
  readonly error: unknown
  readonly onRetry?: () => void
}) {
  if (props.error === undefined || props.error === '') return null
  return (
    <div class="banner banner-bad" role="alert">
      <Icon name="warning" />
      <p>{typeof props.error === 'string' ? props.error : toSentences(props.error)}</p>
      {props.onRetry !== undefined && (
        <button type="button" onClick={props.onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** A state in a word; the colour only repeats it. */
export function Badge(props: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge tone-${props.tone}`}>{props.children}</span>
}

/** Something is on its way. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      Loading {what}…
    </p>
  )
}

export interface Fact {
  readonly term: string
  readonly value: ComponentChildren
  /** Under it, small. */
  readonly note?: ComponentChildren
  readonly tone?: Tone
}

/** A row of figures with their names. */
export function Facts({
  facts,
  label,
}: {
  readonly facts: readonly Fact[]
  readonly label: string
}) {
  return (
    <dl class="facts" aria-label={label} data-count={facts.length}>
      {facts.map((fact) => (
        <div key={fact.term} class={fact.tone === undefined ? 'fact' : `fact tone-${fact.tone}`}>
          <dt>{fact.term}</dt>
          <dd>
            {fact.value}
            {fact.note !== undefined && <small>{fact.note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
