// System, light, dark: one button that goes round and says where it is.
import { Monitor, Moon, Sun } from 'lucide-react'
import { Button } from '../ui/Button.tsx'
import { chooseTheme, type ThemeChoice, useThemeChoice } from './theme.ts'

const NEXT: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' }
const ICONS = { system: Monitor, light: Sun, dark: Moon }

export function ThemeToggle() {
  const choice = useThemeChoice()
  const Icon = ICONS[choice]
  const label = `Theme: ${choice}. Switch to ${NEXT[choice]}`
  return (
    <Button
      look="ghost"
      size="icon"
      aria-label={label}
      title={label}
      onClick={() => chooseTheme(NEXT[choice])}
    >
      <Icon />
    </Button>
  )
}
