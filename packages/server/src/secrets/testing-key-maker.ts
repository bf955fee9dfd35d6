// A program for the tests of master-key.ts: prints the key of a data folder.
import { loadMasterKey } from './master-key.ts'

console.log(loadMasterKey({ configured: null, dataDirectory: process.argv[2] ?? '' }).toString('base64'))
