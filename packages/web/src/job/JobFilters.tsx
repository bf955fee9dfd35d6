// Narrows the list of jobs. The address holds the choice, so that it can be shared and gone back to.
import { Search } from 'lucide-react'
import type { JobState, Repository } from '../api/types.ts'
import type { JobsSearch } from '../search.ts'
import { Input, Select } from '../ui/Input.tsx'
import { STATES_IN_ORDER, stateWord } from './StateBadge.tsx'

export function JobFilters({
  search,
  repositories,
  onChange,
}: {
  search: JobsSearch
  repositories: Repository[]
  onChange: (change: JobsSearch) => void
}) {
  return (
    <search className="flex flex-wrap items-center gap-2 max-md:order-last max-md:w-full">
      <span className="relative md:w-52 max-md:w-full">
        <Search
          className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-ink-3"
          aria-hidden
        />
        <Input
          type="search"
          aria-label="Search jobs"
          placeholder="Search"
          value={search.q ?? ''}
          onChange={event => onChange({ q: event.target.value || undefined })}
          onKeyDown={event => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
          className="pl-8"
        />
      </span>
      <Select
        aria-label="State"
        className="max-md:flex-1"
        value={search.state ?? ''}
        onChange={event => onChange({ state: (event.target.value || undefined) as JobState | undefined })}
      >
        <option value="">All states</option>
        {STATES_IN_ORDER.map(state => (
          <option key={state} value={state}>
            {stateWord(state)}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Repository"
        value={search.repository ?? ''}
        onChange={event => onChange({ repository: event.target.value || undefined })}
        className="md:max-w-44 max-md:flex-1"
      >
        <option value="">All repositories</option>
        {repositories.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
    </search>
  )
}
