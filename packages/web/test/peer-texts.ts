// What programs and Claude print in the peer's story, and the diff that comes of it. Texts only.

export const SUMMARY = `The total was wrong because **the coupon was applied to the shipping fee as well**: \`applyCoupon\` ran after \`addShipping\`, so free shipping took the fee away a second time.

- \`src/cart/total.ts\`: the coupon now applies to the goods alone, before shipping is added.
- \`test/total.test.ts\`: two cases for the combination, one of which failed before.

All 14 tests pass.`

export const FAILING = `\u001b[1m RUN \u001b[22m v3.2.1

 \u001b[32m✓\u001b[39m test/cart.test.ts \u001b[2m(9 tests)\u001b[22m 24ms
 \u001b[31m❯\u001b[39m test/total.test.ts \u001b[2m(5 tests | \u001b[31m1 failed\u001b[39m)\u001b[22m
   \u001b[31m× coupon with free shipping takes only the coupon off\u001b[39m
     → expected \u001b[32m45\u001b[39m to be \u001b[31m40.1\u001b[39m

 Test Files  \u001b[31m1 failed\u001b[39m | 1 passed
      Tests  \u001b[31m1 failed\u001b[39m | 13 passed`

export const PASSING = `\u001b[1m RUN \u001b[22m v3.2.1

 \u001b[32m✓\u001b[39m test/cart.test.ts \u001b[2m(9 tests)\u001b[22m 22ms
 \u001b[32m✓\u001b[39m test/total.test.ts \u001b[2m(5 tests)\u001b[22m 8ms

 Test Files  \u001b[32m2 passed\u001b[39m
      Tests  \u001b[32m14 passed\u001b[39m`

export const diff = `diff --git a/src/cart/coupon.ts b/src/cart/coupon.ts
index 3f1..8a2 100644
--- a/src/cart/coupon.ts
+++ b/src/cart/coupon.ts
@@ -6,3 +6,3 @@ export interface Coupon {
 
-export const applyCoupon = (sum: Money, coupon?: Coupon) => (coupon ? sum - coupon.value : sum)
+export const applyCoupon = (goods: Money, coupon?: Coupon) => (coupon ? Math.max(0, goods - coupon.value) : goods)
 // <img src=x onerror="document.title='pwned'"> stays text
diff --git a/src/cart/total.ts b/src/cart/total.ts
index 1c2..7d4 100644
--- a/src/cart/total.ts
+++ b/src/cart/total.ts
@@ -11,5 +11,6 @@ import { applyCoupon } from './coupon'
 
 export function total(cart: Cart): Money {
-  const withShipping = addShipping(cart.goods, cart.shipping)
-  return applyCoupon(withShipping, cart.coupon)
+  // A coupon is worth something on goods only: free shipping would otherwise count twice.
+  const goods = applyCoupon(cart.goods, cart.coupon)
+  return addShipping(goods, cart.shipping)
 }
diff --git a/test/total.test.ts b/test/total.test.ts
new file mode 100644
--- /dev/null
+++ b/test/total.test.ts
@@ -0,0 +1,6 @@
+import { expect, test } from 'vitest'
+import { total } from '../src/cart/total'
+
+test('coupon with free shipping takes only the coupon off', () => {
+  expect(total(cart({ goods: 50, coupon: 5, shipping: 'free' }))).toBe(45)
+})
diff --git a/package-lock.json b/package-lock.json
index 5d1..6e2 100644
--- a/package-lock.json
+++ b/package-lock.json
@@ -1,2 +1,2 @@
-  "version": "1.4.1"
+  "version": "1.4.2"
 }
`
