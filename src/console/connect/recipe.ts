/** What the page Connect shows for one program: lines to copy, values to enter, words. Data only. */

export type RecipePart =
  /** A sentence or two. */
  | { readonly kind: 'words'; readonly text: string; readonly isWarning?: boolean }
  /** To copy as it is. */
  | { readonly kind: 'lines'; readonly title: string; readonly text: string }
  /** Fields of somebody else's form, each to copy by itself. */
  | {
      readonly kind: 'values'
      readonly title: string
      readonly rows: readonly (readonly [field: string, value: string])[]
    }
  /** To save under a name. */
  | {
      readonly kind: 'file'
      readonly title: string
      readonly fileName: string
      readonly text: string
    }
  /** To open. */
  | { readonly kind: 'link'; readonly text: string; readonly href: string }

export interface Recipe {
  /** In the address: `#/connect/<name>`. */
  readonly name: string
  readonly title: string
  readonly parts: readonly RecipePart[]
}
