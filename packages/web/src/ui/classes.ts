// Joins class names; the later utility wins over an earlier one of its kind.
import { type ClassValue, clsx } from 'clsx'
import { extendTailwindMerge } from 'tailwind-merge'

const merge = extendTailwindMerge({
  extend: {
    theme: { color: ['ink', 'ink-2', 'ink-3', 'line', 'canvas', 'raised', 'hover', 'active', 'overlay'] },
  },
})

export const cn = (...classes: ClassValue[]): string => merge(clsx(classes))
