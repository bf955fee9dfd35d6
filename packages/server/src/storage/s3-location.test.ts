import { expect, test } from 'vitest'
import { parseS3Location } from './s3-location.ts'

test('a bucket is enough', () => {
  expect(parseS3Location('s3://bucket')).toEqual({
    ...{ bucket: 'bucket', prefix: '', endpoint: null, region: 'us-east-1', pathStyle: false },
  })
})

test('a server of one’s own is asked by path, unless said otherwise', () => {
  const text = 's3://bucket/flow/forge/?endpoint=http://127.0.0.1:9000&region=eu-central-1'
  const location = { bucket: 'bucket', prefix: 'flow/forge/', endpoint: 'http://127.0.0.1:9000' }
  expect(parseS3Location(text)).toEqual({ ...location, region: 'eu-central-1', pathStyle: true })
  expect(parseS3Location(`${text}&pathStyle=false`).pathStyle).toBe(false)
})

test.each([
  ['s3://key:secret@bucket', 'AWS_SECRET_ACCESS_KEY'],
  ['s3://bucket?secret=x', 'not secret'],
  ['s3:///prefix', 'must name a bucket'],
  ['s3://Bu_cket', 'must name a bucket'],
  ['s3://bucket/a b', 'prefix'],
  ['s3://bucket?endpoint=ftp://host', 'endpoint'],
  ['s3://bucket?pathStyle=yes', 'pathStyle'],
])('%s is refused', (text, said) => {
  expect(() => parseS3Location(text)).toThrow(said)
})
