/** One event of a server-sent stream. */
export interface Message {
  event: string
  data: string
  id: string
}

/**
 * Reads a server-sent stream piece by piece (HTML standard, section 9.2.6). The console reads streams with fetch
 * instead of EventSource, because that tells nothing about an answer that is an error and can send no token.
 */
export class SseParser {
  private rest = ''
  private event = ''
  private data: string[] = []
  private id = ''

  /** The longest line that is kept; a longer one is an error of the server. */
  static readonly MAX_LINE = 8 << 20

  /** Takes the next piece of text and returns the messages that it completes. */
  push(text: string): Message[] {
    const messages: Message[] = []
    this.rest += text
    // A carriage return at the end may be the first half of CR LF: wait for the rest.
    const end = this.rest.endsWith('\r') ? this.rest.length - 1 : this.rest.length
    const lines = this.rest.slice(0, end).split(/\r\n|\n|\r/)
    this.rest = lines.pop()! + this.rest.slice(end)
    if (this.rest.length > SseParser.MAX_LINE) throw new Error('a line of the stream is longer than 8 MiB')
    for (const line of lines) {
      if (line === '') this.dispatch(messages)
      else this.line(line)
    }
    return messages
  }

  private line(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (name === 'event') this.event = value
    else if (name === 'data') this.data.push(value)
    else if (name === 'id') this.id = value
  }

  private dispatch(messages: Message[]): void {
    if (this.data.length > 0) {
      messages.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id })
    }
    this.event = ''
    this.data = []
  }
}
