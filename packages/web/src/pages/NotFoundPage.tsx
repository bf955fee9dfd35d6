// An address that leads nowhere.
import { Link } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { paths } from '../paths.ts'
import { useDocumentTitle } from '../shell/document-title.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'

export function NotFoundPage() {
  return (
    <main className="flex min-h-dvh">
      <NotFound what="page" />
    </main>
  )
}

export function NotFound({ what }: { what: string }) {
  useDocumentTitle('Not found')
  return (
    <div className="grid flex-1 place-items-center py-16">
      <Empty
        heading="h1"
        icon={Compass}
        title={`There is no such ${what}`}
        action={
          <Button asChild>
            <Link {...paths.jobs()}>Go to jobs</Link>
          </Button>
        }
      >
        The address may be mistyped, or what it pointed to was removed or belongs to another organization.
      </Empty>
    </div>
  )
}
