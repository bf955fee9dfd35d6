// Sets the theme before the first paint. A file of its own because the Content-Security-Policy forbids inline scripts.
;(() => {
  let choice = null
  try {
    choice = localStorage.getItem('flowforge.theme')
  } catch {}
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
