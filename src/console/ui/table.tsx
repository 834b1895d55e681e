/** A table that a phone shows as cards: each cell carries its column's name. */

import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  readonly title: string
  /** Right-aligned, in figures of one width. */
  readonly isFigure?: boolean
  /** The row's name: what its other cells are about. One column of a table. */
  readonly isName?: boolean
  readonly cell: (row: Row) => ComponentChildren
}

export interface TableProps<Row> {
  /** Read out before it; not shown. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
}

export function Table<Row>({ caption, columns, rows, rowKey }: TableProps<Row>) {
  return (
    // Wide ones scroll, and the keyboard has to reach what scrolls.
    <div class="table-frame" role="region" aria-label={caption} tabIndex={0}>
      <table class="table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={column.isFigure ? 'figure' : undefined}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <Cell key={column.title} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Cell<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }) {
  const content = (
    <>
      <span class="cell-title" aria-hidden="true">
        {column.title}
      </span>
      <span class="cell-value">{column.cell(row)}</span>
    </>
  )
  if (column.isName) {
    return (
      <th scope="row" class="name">
        {content}
      </th>
    )
  }
  return <td class={column.isFigure ? 'figure' : undefined}>{content}</td>
}
