// Claude's words as Markdown, without anything that could act: no HTML, no images, links to the web and mail only.
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { revealHidden } from '../text/hidden.ts'

const SAFE_LINK = /^(https?:|mailto:)/i

const components: Components = {
  a({ href, children }) {
    if (!href || !SAFE_LINK.test(href)) return <>{children}</>
    return (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {children}
      </a>
    )
  },
  // An image would call a foreign server and tell it who reads this.
  img({ alt }) {
    return <span className="text-ink-3">[image: {alt || 'no description'}]</span>
  },
  input({ checked }) {
    return (
      <input type="checkbox" checked={checked} readOnly disabled aria-label={checked ? 'done' : 'to do'} />
    )
  },
}

export default function Markdown({ text }: { text: string }) {
  return (
    <div className="prose-claude">
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        components={components}
        skipHtml
        urlTransform={url => (SAFE_LINK.test(url) ? url : '')}
      >
        {revealHidden(text)}
      </ReactMarkdown>
    </div>
  )
}
