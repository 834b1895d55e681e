/** Saves what the page has as a file of the browser's user. */

export function downloadBlob(fileName: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  document.body.append(link)
  link.click()
  link.remove()
  // Once the browser has taken it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

export function downloadText(fileName: string, text: string): void {
  downloadBlob(fileName, new Blob([text], { type: 'application/octet-stream' }))
}
