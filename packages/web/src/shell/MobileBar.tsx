// The top bar of narrow screens, with the navigation in a drawer.
import { Link, useRouterState } from '@tanstack/react-router'
import { Menu, Plus, X } from 'lucide-react'
import { Dialog } from 'radix-ui'
import { useEffect, useState } from 'react'
import { paths } from '../paths.ts'
import { Button } from '../ui/Button.tsx'
import { Brand } from './Brand.tsx'
import { Sidebar } from './Sidebar.tsx'

export function MobileBar({ onHelp }: { onHelp: () => void }) {
  const [open, setOpen] = useState(false)
  const href = useRouterState({ select: state => state.location.href })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new address closes the drawer
  useEffect(() => setOpen(false), [href])
  return (
    <header className="flex h-12 items-center gap-1 border-b bg-sidebar px-2 md:hidden">
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Trigger asChild>
          <Button look="ghost" size="icon" aria-label="Open navigation">
            <Menu />
          </Button>
        </Dialog.Trigger>
        <Dialog.Portal>
          <Dialog.Overlay className="animate-fade fixed inset-0 z-40 bg-black/40 dark:bg-black/60" />
          <Dialog.Content
            aria-describedby={undefined}
            className="animate-fade fixed inset-y-0 left-0 z-50 w-72 max-w-[85vw] border-r bg-sidebar outline-none"
          >
            <Dialog.Title className="sr-only">Navigation</Dialog.Title>
            <Sidebar
              onHelp={() => {
                setOpen(false)
                onHelp()
              }}
            />
            <Dialog.Close asChild>
              <Button
                look="ghost"
                size="icon"
                aria-label="Close navigation"
                className="absolute top-2 right-2"
              >
                <X />
              </Button>
            </Dialog.Close>
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
      <Brand />
      <Button asChild look="ghost" size="icon" className="ml-auto">
        <Link {...paths.newJob()} aria-label="New job">
          <Plus />
        </Link>
      </Button>
    </header>
  )
}
