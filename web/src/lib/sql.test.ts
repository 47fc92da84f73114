import { describe, expect, test } from 'vitest'
import * as s from './sql'

describe('a query', () => {
  const parts = (text: string) => s.sqlTokens(text).map((t) => [t.kind, text.slice(t.from, t.to)])

  test('has words, strings, numbers and comments', () =>
    expect(parts("select m0, 'it''s' from buckets where at > 1.5e9 -- end")).toEqual([
      ['keyword', 'select'],
      ['string', "'it''s'"],
      ['keyword', 'from'],
      ['keyword', 'where'],
      ['number', '1.5e9'],
      ['comment', '-- end'],
    ]))

  test('that is not finished is coloured to its end', () => {
    expect(parts("select 'open")).toEqual([
      ['keyword', 'select'],
      ['string', "'open"],
    ])
    expect(parts('/* never')).toEqual([['comment', '/* never']])
    expect(parts('"select"')).toEqual([])
  })

  const tables = [
    {
      name: 'buckets',
      columns: [
        { name: 'key', type: 'TEXT' },
        { name: 'm0', type: 'DOUBLE', unit: 'B' },
      ],
    },
    {
      name: 'alerts',
      columns: [
        { name: 'rule', type: 'TEXT' },
        { name: 'key', type: 'TEXT' },
      ],
    },
  ]

  test('is completed with tables and the columns of those it names', () => {
    expect(s.sqlProposals('select ', tables).map((p) => p.name)).toEqual(['buckets', 'alerts', 'key', 'm0', 'rule'])
    expect(s.sqlProposals('select r from alerts', tables).map((p) => p.name)).toEqual([
      'buckets',
      'alerts',
      'rule',
      'key',
    ])
  })

  test('about a table is written', () =>
    expect(
      s.sampleQuery({
        name: 'x',
        columns: [
          { name: 'a', type: 'T' },
          { name: 'at', type: 'T' },
        ],
      }),
    ).toBe('select a, at\nfrom x\norder by at desc\nlimit 100'))
})

test('rows that are on the screen', () => {
  expect(s.visibleRows(0, 400, 28, 10_000)).toEqual({ first: 0, last: 27 })
  expect(s.visibleRows(28_000, 400, 28, 10_000)).toEqual({ first: 988, last: 1027 })
  expect(s.visibleRows(1e9, 400, 28, 5)).toEqual({ first: 5, last: 5 })
  expect(s.visibleRows(0, 400, 28, 3)).toEqual({ first: 0, last: 3 })
})

test.each([
  [null, ''],
  ['a', 'a'],
  [1.5, '1.5'],
  [true, 'true'],
  [{ a: 1 }, '{"a":1}'],
])('%j is shown as %j', (v, want) => expect(s.cellText(v)).toBe(want))

test.each([
  ['BIGINT', true],
  ['DOUBLE', true],
  ['DECIMAL(18,3)', true],
  ['VARCHAR', false],
  ['INTEGER[]', false],
])('%s is numeric: %s', (type, want) => expect(s.isNumeric(type)).toBe(want))
