// Keeps the window at the end of a growing page until the reader scrolls up; at the end again, it follows again.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

const NEAR_PX = 64

const distance = () => document.documentElement.scrollHeight - window.innerHeight - window.scrollY
const toEnd = () => window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })

export function useFollowEnd(follow: boolean, contentSize: number) {
  const following = useRef(follow)
  const [atEnd, setAtEnd] = useState(true)

  useEffect(() => {
    let lastY = window.scrollY
    let lastHeight = document.documentElement.scrollHeight
    function onScroll() {
      const { scrollHeight } = document.documentElement
      const near = distance() < NEAR_PX
      // Less content also moves the window up; that is not the reader's doing.
      const scrolledUp = window.scrollY < lastY - 2 && scrollHeight >= lastHeight
      if (near) following.current = true
      else if (scrolledUp) following.current = false
      lastY = window.scrollY
      lastHeight = scrollHeight
      setAtEnd(near || following.current)
    }
    function onWheel(event: WheelEvent) {
      if (event.deltaY < 0) following.current = false
    }
    window.addEventListener('scroll', onScroll, { passive: true })
    window.addEventListener('wheel', onWheel, { passive: true })
    return () => {
      window.removeEventListener('scroll', onScroll)
      window.removeEventListener('wheel', onWheel)
    }
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the size is the occasion
  useLayoutEffect(() => {
    if (follow && following.current) toEnd()
    else if (follow) setAtEnd(distance() < NEAR_PX)
  }, [follow, contentSize])

  const jump = useCallback(() => {
    following.current = true
    setAtEnd(true)
    toEnd()
  }, [])

  return { atEnd: atEnd || !follow, jump }
}
