/** Files that the bundler brings along as text. */

declare module '*.conf' {
  const text: string
  export default text
}
declare module '*.vcl' {
  const text: string
  export default text
}
declare module '*.yaml' {
  const text: string
  export default text
}
