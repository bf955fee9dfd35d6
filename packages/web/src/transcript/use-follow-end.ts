// Keeps the window at the end of a growing page until the reader scrolls up; at the end again, it follows again.
import { useCallback, useEffect, useRef, useState } from 'react'

const NEAR_PX = 64
/** A wheel or a key moves the window smoothly for about this long. */
const MOVES_MS = 500

const distance = () => document.documentElement.scrollHeight - window.innerHeight - window.scrollY
const toEnd = () => window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })

/**
 * The window also moves up by itself, when rows turn out lower than estimated. Only what follows a wheel, a finger,
 * a key or a drag of the scroll bar is the reader's will.
 */
function watchReader() {
  let pressed = false
  let actedAt = Number.NEGATIVE_INFINITY
  const aborter = new AbortController()
  const on = (types: string[], listener: () => void) => {
    for (const type of types) {
      window.addEventListener(type, listener, { passive: true, capture: true, signal: aborter.signal })
    }
  }
  on(['wheel', 'touchmove', 'keydown'], () => {
    actedAt = performance.now()
  })
  on(['pointerdown'], () => {
    pressed = true
  })
  on(['pointerup', 'pointercancel'], () => {
    pressed = false
    actedAt = performance.now()
  })
  return {
    isActing: () => pressed || performance.now() - actedAt < MOVES_MS,
    /** What was done last was no scrolling. */
    forget: () => {
      pressed = false
      actedAt = Number.NEGATIVE_INFINITY
    },
    stop: () => aborter.abort(),
  }
}

export function useFollowEnd(follow: boolean) {
  const following = useRef(follow)
  const watched = useRef<ReturnType<typeof watchReader>>(undefined)
  const [atEnd, setAtEnd] = useState(true)

  useEffect(() => {
    if (!follow) return
    const reader = watchReader()
    watched.current = reader
    let lastY = window.scrollY
    function onScroll() {
      const near = distance() < NEAR_PX
      if (window.scrollY < lastY && reader.isActing()) following.current = false
      else if (near) following.current = true
      lastY = window.scrollY
      setAtEnd(near || following.current)
    }
    const observer = new ResizeObserver(() => {
      if (following.current) toEnd()
      else setAtEnd(distance() < NEAR_PX)
    })
    observer.observe(document.body)
    window.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      reader.stop()
      observer.disconnect()
      window.removeEventListener('scroll', onScroll)
    }
  }, [follow])

  const jump = useCallback(() => {
    following.current = true
    // The click that led here is not the reader's wish to scroll.
    watched.current?.forget()
    setAtEnd(true)
    toEnd()
  }, [])

  return { atEnd: atEnd || !follow, jump }
}
