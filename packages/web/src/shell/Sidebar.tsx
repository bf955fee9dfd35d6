// Navigation and who is signed in. The same content stands in the drawer of a phone.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useRouterState } from '@tanstack/react-router'
import {
  CalendarClock,
  FolderGit2,
  Keyboard,
  KeyRound,
  ListChecks,
  LogOut,
  type LucideIcon,
  Plus,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { signOut } from '../api/endpoints.ts'
import { meQuery } from '../api/queries.ts'
import { paths } from '../paths.ts'
import { Button } from '../ui/Button.tsx'
import { Brand } from './Brand.tsx'
import { SystemStrip } from './SystemStrip.tsx'
import { ThemeToggle } from './ThemeToggle.tsx'

export function Sidebar({ onHelp }: { onHelp: () => void }) {
  const me = useQuery(meQuery)
  return (
    <div className="flex h-full flex-col">
      <div className="flex h-14 items-center gap-2 px-4">
        <Brand />
        {me.data && (
          <span className="min-w-0 truncate text-xs text-ink-3" title={me.data.organization.name}>
            {me.data.organization.name}
          </span>
        )}
      </div>
      <div className="px-3 pb-3">
        <Button asChild look="primary" className="w-full">
          <Link {...paths.newJob()}>
            <Plus aria-hidden />
            New job
          </Link>
        </Button>
      </div>
      <nav aria-label="Main" className="flex flex-col gap-0.5 px-2">
        <NavLink to={paths.jobs()} icon={ListChecks}>
          Jobs
        </NavLink>
        <NavLink to={paths.repositories()} icon={FolderGit2}>
          Repositories
        </NavLink>
        <NavLink to={paths.schedules()} icon={CalendarClock}>
          Schedules
        </NavLink>
        <NavLink to={paths.apiKeys()} icon={KeyRound}>
          API keys
        </NavLink>
      </nav>
      <div className="mt-auto">
        <SystemStrip />
        <div className="flex items-center gap-0.5 border-t px-2 py-1.5">
          <ThemeToggle />
          <Button
            look="ghost"
            size="icon"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={onHelp}
          >
            <Keyboard />
          </Button>
          <SignOut />
        </div>
      </div>
    </div>
  )
}

type Target = ReturnType<(typeof paths)['jobs' | 'repositories' | 'schedules' | 'apiKeys']>

function NavLink({ to, icon: Icon, children }: { to: Target; icon: LucideIcon; children: ReactNode }) {
  const inside = useRouterState({
    select: ({ location }) => to.to === '/' && location.pathname.startsWith('/jobs/'),
  })
  return (
    <Link
      {...to}
      // The router marks the page itself; a job's page belongs to the jobs as well.
      activeOptions={{ exact: to.to === '/', includeSearch: false }}
      aria-current={inside ? 'page' : undefined}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-sm font-medium text-ink-2 hover:bg-hover hover:text-ink aria-[current=page]:bg-active aria-[current=page]:text-ink pointer-coarse:h-11"
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      {children}
    </Link>
  )
}

function SignOut() {
  const me = useQuery(meQuery)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      await navigate(paths.signIn())
      queryClient.clear()
    },
  })
  const who = me.data?.user?.name ?? me.data?.user?.email ?? 'API key'
  return (
    <Button
      look="ghost"
      size="icon"
      className="ml-auto"
      busy={leave.isPending}
      aria-label={`Sign out (${who})`}
      title={leave.isError ? 'Signing out failed; try again' : `Sign out (${who})`}
      onClick={() => leave.mutate()}
    >
      <LogOut className={leave.isError ? 'text-red' : undefined} />
    </Button>
  )
}
