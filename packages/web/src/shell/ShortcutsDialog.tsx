// Which keys do what, and the switch that turns them off.
import { Switch } from 'radix-ui'
import { Dialog } from '../ui/Dialog.tsx'
import { Kbd } from '../ui/Kbd.tsx'
import { SHORTCUTS, setShortcutsEnabled, useShortcutsEnabled } from './shortcuts.ts'

export function ShortcutsDialog({
  open,
  onOpenChange,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const enabled = useShortcutsEnabled()
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard shortcuts" className="max-w-sm">
      <dl className="divide-y text-sm">
        {SHORTCUTS.map(([keys, does]) => (
          <div key={does} className="flex items-center justify-between py-1.5">
            <dt>{does}</dt>
            <dd className="flex gap-1">
              {keys.map(key => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div className="mt-4 flex items-center justify-between gap-3 border-t pt-4 text-sm font-medium">
        <label htmlFor="single-keys">Single-key shortcuts</label>
        <Switch.Root
          id="single-keys"
          checked={enabled}
          onCheckedChange={setShortcutsEnabled}
          className="h-5 w-9 rounded-full bg-line-strong p-0.5 data-[state=checked]:bg-primary"
        >
          <Switch.Thumb className="block size-4 rounded-full bg-canvas transition-transform data-[state=checked]:translate-x-4" />
        </Switch.Root>
      </div>
    </Dialog>
  )
}
