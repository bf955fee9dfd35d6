// The frame around every page: navigation, system strip, banners, shortcuts, and where the focus goes on navigation.
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState } from 'react'
import { Banners } from './Banners.tsx'
import { LiveProvider } from './live-context.tsx'
import { MobileBar } from './MobileBar.tsx'
import { ShortcutsDialog } from './ShortcutsDialog.tsx'
import { Sidebar } from './Sidebar.tsx'
import { useShortcuts } from './shortcuts.ts'

export function AppShell() {
  const [helpOpen, setHelpOpen] = useState(false)
  const showHelp = useCallback(() => setHelpOpen(true), [])
  useShortcuts(showHelp)
  return (
    <LiveProvider>
      <a
        href="#content"
        className="fixed top-2 left-2 z-50 -translate-y-16 rounded-md bg-primary px-3 py-2 text-sm text-on-primary focus:translate-y-0"
      >
        Skip to content
      </a>
      <div className="md:grid md:grid-cols-[13.5rem_minmax(0,1fr)]">
        <aside aria-label="Sidebar" className="sticky top-0 hidden h-dvh border-r bg-sidebar md:block">
          <Sidebar onHelp={showHelp} />
        </aside>
        <div className="flex min-h-dvh min-w-0 flex-col">
          <MobileBar onHelp={showHelp} />
          <Banners />
          <Content />
        </div>
      </div>
      <ShortcutsDialog open={helpOpen} onOpenChange={setHelpOpen} />
    </LiveProvider>
  )
}

/** On a new page the focus goes to its start, so that a screen reader begins there and not in the old page. */
function Content() {
  const main = useRef<HTMLElement>(null)
  const pathname = useRouterState({ select: state => state.resolvedLocation?.pathname })
  const before = useRef<string>(undefined)
  useEffect(() => {
    const isFirst = before.current === undefined
    const changed = before.current !== pathname
    before.current = pathname
    if (isFirst || !changed || !pathname) return
    // A page that put the focus into a field of its own keeps it.
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true })
  }, [pathname])
  return (
    <main ref={main} id="content" tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
      <Outlet />
    </main>
  )
}
