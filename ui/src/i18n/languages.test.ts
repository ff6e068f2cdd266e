import { describe, expect, it } from 'vitest';
import { bestOf, catalogue } from './languages';

describe('the catalogue of a system’s language', () => {
  it.each([
    ['en', 'en'], ['en-GB', 'en'], ['de', 'de'], ['de-AT', 'de'], ['de_DE', 'de'], ['ko-KR', 'ko'], ['ja-JP', 'ja'],
    ['zh', 'zh-Hans'], ['zh-CN', 'zh-Hans'], ['zh-SG', 'zh-Hans'], ['zh-Hans-HK', 'zh-Hans'],
    ['zh-TW', 'zh-Hant'], ['zh-HK', 'zh-Hant'], ['zh-MO', 'zh-Hant'], ['zh-Hant', 'zh-Hant'], ['zh-Hant-CN', 'zh-Hant'],
    ['fr', null], ['yue-Hant', null], ['', null], ['not a tag', null],
  ])('%s is %s', (tag, expected) => expect(catalogue(tag)).toBe(expected));

  it('takes the first wish that there is', () => {
    expect(bestOf(['fr-FR', 'zh-TW', 'de'])).toBe('zh-Hant');
    expect(bestOf(['fr-FR'])).toBe('en');
    expect(bestOf([])).toBe('en');
  });
});
