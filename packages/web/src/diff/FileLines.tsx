// A file's changed lines with syntax colours. The only place that knows the diff library.
import { DiffModeEnum, DiffView } from '@git-diff-view/react'
import '@git-diff-view/react/styles/diff-view-pure.css'
import { common } from 'lowlight'
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { useTheme } from '../shell/theme.ts'
import { revealHidden } from '../text/hidden.ts'
import './diff.css'
import type { DiffFile } from './parse-diff.ts'

const wide = matchMedia('(min-width: 48rem)')
const subscribe = (listener: () => void) => {
  wide.addEventListener('change', listener)
  return () => wide.removeEventListener('change', listener)
}

export function FileLines({ file, layout }: { file: DiffFile; layout: 'unified' | 'split' }) {
  const theme = useTheme()
  // Two columns have no room on a phone.
  const isWide = useSyncExternalStore(subscribe, () => wide.matches)
  const data = useMemo(
    () => ({
      oldFile: { fileName: file.oldPath ?? file.path, fileLang: languageOf(file.path) },
      newFile: { fileName: file.path, fileLang: languageOf(file.path) },
      hunks: [revealHidden(file.text)],
    }),
    [file],
  )
  const box = useRef<HTMLDivElement>(null)
  useScrollByKeyboard(box, file.path)
  return (
    <div ref={box}>
      <DiffView
        data={data}
        diffViewMode={layout === 'split' && isWide ? DiffModeEnum.Split : DiffModeEnum.Unified}
        diffViewTheme={theme}
        diffViewHighlight
        diffViewWrap={!isWide}
        diffViewFontSize={12}
      />
    </div>
  )
}

/** The library's scrolling boxes can't be reached by keyboard; it draws them after a moment, and anew for each layout. */
function useScrollByKeyboard(box: React.RefObject<HTMLDivElement | null>, path: string) {
  useEffect(() => {
    if (!box.current) return
    const mark = () => {
      for (const scroller of box.current?.querySelectorAll<HTMLElement>('.diff-table-scroll-container') ??
        []) {
        scroller.tabIndex = 0
        scroller.setAttribute('role', 'group')
        scroller.setAttribute('aria-label', `Changes in ${path}`)
      }
    }
    mark()
    const observer = new MutationObserver(mark)
    observer.observe(box.current, { childList: true, subtree: true })
    return () => observer.disconnect()
  }, [box, path])
}

const LANGUAGES: Record<string, string> = {
  ts: 'typescript',
  tsx: 'typescript',
  mts: 'typescript',
  js: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  kt: 'kotlin',
  cs: 'csharp',
  cc: 'cpp',
  hpp: 'cpp',
  h: 'c',
  sh: 'bash',
  yml: 'yaml',
  md: 'markdown',
  htm: 'xml',
  html: 'xml',
  svg: 'xml',
  vue: 'xml',
  toml: 'ini',
  mk: 'makefile',
}

/** What the highlighter calls the language. For one it does not know it would try them all: so plain text then. */
function languageOf(path: string): string {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  const name = (Object.hasOwn(LANGUAGES, extension) ? LANGUAGES[extension] : undefined) ?? extension
  return Object.hasOwn(common, name) ? name : 'plaintext'
}
