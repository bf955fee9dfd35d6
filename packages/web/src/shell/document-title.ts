// The title of the browser's tab.
import { useEffect } from 'react'

export function useDocumentTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · FlowForge`
  }, [title])
}
