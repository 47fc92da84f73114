import { describe, expect, test } from 'vitest'
import * as t from './terms'

describe('a search', () => {
  test.each([
    ['', []],
    [' , ', []],
    ['srcip=10.0.0.1,port=443', ['srcip=10.0.0.1', 'port=443']],
    ['PROTO = TCP', ['proto=TCP']],
    ['10.0.0.1', ['ip=10.0.0.1']],
    ['2001:db8::1', ['ip=2001:db8::1']],
    ['443,tcp,voip', ['port=443', 'proto=tcp', 'tag=voip']],
    ['tag=a=b', ['tag=a=b']],
  ])('%j has the terms %j', (text, want) =>
    expect(t.parseTerms(text).map((x) => `${x.name}=${x.value}`)).toEqual(want),
  )

  test('gets a term, which replaces one of the same name', () => {
    expect(t.withTerm('ip=10.0.0.1', { name: 'port', value: '53' })).toBe('ip=10.0.0.1,port=53')
    expect(t.withTerm('ip=10.0.0.1,port=53', { name: 'ip', value: '10.0.0.2' })).toBe('port=53,ip=10.0.0.2')
    expect(t.withTerm('ip=1.1.1.1', { name: 'ip', value: '1.1.1.1' })).toBe('ip=1.1.1.1')
  })

  test('loses a term', () => expect(t.withoutTerm('ip=10.0.0.1,port=53', 0)).toBe('port=53'))

  test('says which term makes no sense', () => {
    expect(t.termFault({ name: 'prot', value: '6' })).toContain('"prot" is no field')
    expect(t.termFault({ name: 'ip', value: '' })).toBe('ip needs a value.')
    expect(t.termFault({ name: 'ip', value: '10.0.0.1' })).toBe('')
  })

  test('proposes what can come next', () => {
    expect(t.termProposals('ip=1.1.1.1,src').map((x) => x.name)).toEqual(['srcip', 'srcport'])
    expect(t.termProposals('ip=1')).toEqual([])
    expect(t.termProposals('')).toHaveLength(t.TERMS.length)
  })
})

describe('the state of a conversation', () => {
  const words = (state: number) => t.stateWords(undefined, state).map((w) => w.word)

  test('is read from its bits', () =>
    expect(words(0x086f)).toEqual(['SYN', 'SYN-ACK', 'established', 'server at Z', 'FIN', 'closed']))

  test('is read from names of any spelling', () =>
    expect(t.stateWords(['SESS_INIT', 'seen-rst', 'TIMEDOUT', 'SESS_NEW_ONE'], 0).map((w) => w.word)).toEqual([
      'reset',
      'timed out',
      'new one',
    ]))

  test.each([
    [0x086f, false, 'closed'],
    [0x0101, false, 'timed out'],
    [0x08a7, false, 'reset'],
    [0x0301, false, 'cut short'],
    [0x0001, true, 'going on'],
    [0x002f, true, 'established'],
    [0x0003, false, 'SYN'],
  ])('%i is, in one word (live: %s), %s', (state, live, want) =>
    expect(t.stateSummary(t.stateWords(undefined, state), live).word).toBe(want),
  )
})
