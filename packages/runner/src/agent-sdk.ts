// The Agent SDK, loaded on demand: its evaluation takes longer than everything else the runner does before Claude Code runs.
export { query } from '@anthropic-ai/claude-agent-sdk'
