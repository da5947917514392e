/** Stores rows, in words that MySQL and MariaDB share: what comes between the two are the rows. */
export const INSERT =
  'INSERT INTO `cache_storage` (`namespace`, `key`, `value`, `expires_at`, `updated_at`, `version`) VALUES';
export const REPLACE =
  'ON DUPLICATE KEY UPDATE `value` = VALUES(`value`), `expires_at` = VALUES(`expires_at`), ' +
  '`updated_at` = VALUES(`updated_at`), `version` = VALUES(`version`)';
/** Leaves what is there as it is. INSERT IGNORE would do so too, and cut values short rather than refuse them. */
export const KEEP = 'ON DUPLICATE KEY UPDATE `version` = `cache_storage`.`version`';
