// Sign in with an API key. The key goes to the server once and is kept nowhere in the browser.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useRef } from 'react'
import { ApiError } from '../api/client.ts'
import { signIn } from '../api/endpoints.ts'
import { meQuery } from '../api/queries.ts'
import { Mark } from '../shell/Brand.tsx'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { ThemeToggle } from '../shell/ThemeToggle.tsx'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Input } from '../ui/Input.tsx'

export function SignInPage() {
  useDocumentTitle('Sign in')
  const { returnTo } = useSearch({ from: '/sign-in' })
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const input = useRef<HTMLInputElement>(null)
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: async () => {
      if (input.current) input.current.value = ''
      queryClient.clear()
      await queryClient.prefetchQuery(meQuery)
      await navigate({ href: returnTo ?? '/', replace: true })
    },
    onError: () => input.current?.select(),
    // The key would otherwise stay in the mutation cache.
    gcTime: 0,
  })

  function submit(event: FormEvent) {
    event.preventDefault()
    const key = input.current?.value.trim()
    if (key && !enter.isPending) enter.mutate(key)
    else input.current?.focus()
  }

  const refused = enter.error instanceof ApiError && [400, 401, 403, 422].includes(enter.error.status)
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <div className="absolute top-3 right-3">
        <ThemeToggle />
      </div>
      <div className="w-full max-w-sm pb-[12dvh]">
        <Mark className="mb-5 size-10" />
        <h1 className="text-xl font-semibold tracking-tight">Sign in to FlowForge</h1>
        <form onSubmit={submit} className="mt-5 space-y-3" noValidate>
          <Field
            label="API key"
            error={refused ? 'This key is not valid. It may be mistyped, revoked or expired.' : undefined}
            hint={
              <>
                Make one with <code className="font-mono text-ink-2">flowforge key create</code>, or use the
                value of <code className="font-mono text-ink-2">FLOWFORGE_BOOTSTRAP_TOKEN</code>.
              </>
            }
          >
            {control => (
              <Input
                {...control}
                ref={input}
                type="password"
                name="key"
                required
                autoFocus
                autoComplete="current-password"
                spellCheck={false}
                placeholder="ffk_…"
                className="h-9 font-mono"
              />
            )}
          </Field>
          <Button type="submit" look="primary" className="h-9 w-full" busy={enter.isPending}>
            Sign in
          </Button>
        </form>
        {enter.isError && !refused && <ErrorNotice error={enter.error} className="mt-4" />}
      </div>
    </main>
  )
}
