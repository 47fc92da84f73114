import type { Schema } from '../src/lib/types'

export const SCHEMA: Schema
