// Keeps the window at the end of a growing page until the reader scrolls up; at the end again, it follows again.
import { useCallback, useEffect, useRef, useState } from 'react'

const NEAR_PX = 64

const height = () => document.documentElement.scrollHeight
const distance = () => height() - window.innerHeight - window.scrollY
const toEnd = () => window.scrollTo({ top: height(), behavior: 'instant' })

export function useFollowEnd(follow: boolean) {
  const following = useRef(follow)
  const [atEnd, setAtEnd] = useState(true)

  useEffect(() => {
    if (!follow) return
    let lastY = window.scrollY
    let lastHeight = height()
    function onScroll() {
      const near = distance() < NEAR_PX
      // Less content also moves the window up; that is not the reader's doing.
      if (window.scrollY < lastY && height() >= lastHeight) following.current = false
      else if (near) following.current = true
      lastY = window.scrollY
      lastHeight = height()
      setAtEnd(near || following.current)
    }
    // Before the scroll event, so that new content does not pull the reader back.
    function onWheel(event: WheelEvent) {
      if (event.deltaY < 0 && window.scrollY > 0) following.current = false
    }
    const observer = new ResizeObserver(() => {
      if (following.current) toEnd()
      else setAtEnd(distance() < NEAR_PX)
    })
    observer.observe(document.body)
    window.addEventListener('scroll', onScroll, { passive: true })
    window.addEventListener('wheel', onWheel, { passive: true })
    return () => {
      observer.disconnect()
      window.removeEventListener('scroll', onScroll)
      window.removeEventListener('wheel', onWheel)
    }
  }, [follow])

  const jump = useCallback(() => {
    following.current = true
    setAtEnd(true)
    toEnd()
  }, [])

  return { atEnd: atEnd || !follow, jump }
}
