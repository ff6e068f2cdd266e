import { describe, expect, it } from 'vitest';
import { parseLine, visible } from './line';

describe('a log line', () => {
  it('of ours has time, level, source and fields', () => {
    const line = parseLine('{"timestamp":"2026-11-20T04:00:00.5Z","level":"WARN","target":"bulkhead_agent","fields":{"message":"slow","attempt":2}}', 'main', 1);
    expect(line).toMatchObject({ level: 'warn', source: 'bulkhead_agent', text: 'slow  attempt=2', profile: 'main' });
    expect(line.time).toBe(Date.parse('2026-11-20T04:00:00.5Z'));
  });

  it('of an OpenClaw is read too', () => {
    const line = parseLine('{"0":"{\\"subsystem\\":\\"gateway/ws\\"}","1":"res ok","_meta":{"date":"2026-11-20T03:53:28Z","logLevelName":"ERROR","name":"{\\"subsystem\\":\\"gateway/ws\\"}"},"message":"res ok"}', 'x', 1);
    expect(line).toMatchObject({ level: 'error', source: 'gateway/ws', text: 'res ok' });
  });

  it.each(['plain words', '{broken', '{"a":1}', '', 'null', '{"level":7,"time":{},"fields":"x","_meta":[]}'])('never loses %j', (raw) => {
    const line = parseLine(raw, 'main', 1);
    expect(line.raw).toBe(raw);
    expect(line.level).toBe('info');
  });
});

describe('what is visible', () => {
  const lines = [
    parseLine('{"level":"DEBUG","message":"alpha"}', 'main', 1),
    parseLine('{"level":"INFO","message":"Beta","target":"agent"}', 'main', 2),
    parseLine('{"level":"ERROR","message":"gamma"}', 'main', 3),
  ];
  it('starts at the level', () => {
    expect(visible(lines, 'info', '').map(({ text }) => text)).toEqual(['Beta', 'gamma']);
  });
  it('matches words in any case, in text and source', () => {
    expect(visible(lines, 'trace', ' bEtA ')).toHaveLength(1);
    expect(visible(lines, 'trace', 'AGENT')).toHaveLength(1);
    expect(visible(lines, 'trace', 'nothing')).toHaveLength(0);
  });
});
