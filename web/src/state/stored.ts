/** Reads and writes small settings of the browser; where it forbids that, they last as long as the page. */
export function stored(area: 'local' | 'session', name: string): { read(): string; write(value: string): void } {
  const key = 'weir.' + name
  const storage = () => (area === 'local' ? window.localStorage : window.sessionStorage)
  return {
    read() {
      try {
        return storage().getItem(key) ?? ''
      } catch {
        return ''
      }
    },
    write(value) {
      try {
        if (value === '') storage().removeItem(key)
        else storage().setItem(key, value)
      } catch {
        // Private windows may refuse storage. The setting then is not remembered, which is what was asked for.
      }
    },
  }
}
