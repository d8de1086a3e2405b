// Why an item of upstream's conformance list has no test here. By the beginning of its name; the longest that fits counts.

export const reasons: Readonly<Record<string, string>> = {
  '[sig-api-machinery] StorageVersionMigration CRUD Tests storagemigration.k8s.io/v1':
    '1.36 serves it as v1beta1, which is walked through in `test/conformance/api-operations.test.ts`',
  '[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceTaintRule':
    '1.36 serves it as v1beta2, whose rules are tested in `test/kinds/devices.test.ts`',
}
