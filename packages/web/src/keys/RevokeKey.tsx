// Revokes an API key after asking.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { revokeApiKey } from '../api/endpoints.ts'
import { apiKeysQuery } from '../api/queries.ts'
import type { ApiKey } from '../api/types.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'

export function RevokeKey({ apiKey }: { apiKey: ApiKey }) {
  const queryClient = useQueryClient()
  const [open, setOpen] = useState(false)
  const revoke = useMutation({
    mutationFn: () => revokeApiKey(apiKey.id),
    onSuccess: async () => {
      setOpen(false)
      await queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey })
    },
  })
  const name = apiKey.name || 'this key'
  return (
    <>
      <Button
        size="sm"
        aria-label={`Revoke ${name}`}
        onClick={() => {
          revoke.reset()
          setOpen(true)
        }}
      >
        Revoke
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Revoke ${name}?`}
        description="Whatever uses it is refused from now on. This can not be undone."
        action="Revoke"
        dismiss="Keep"
        busy={revoke.isPending}
        error={revoke.isError && <ErrorNotice error={revoke.error} />}
        onConfirm={() => revoke.mutate()}
      />
    </>
  )
}
