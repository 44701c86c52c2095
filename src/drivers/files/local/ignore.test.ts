/** Hunts patterns that leave out too much (a build without a needed file) or too little (a leaked .git). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ignoring } from './ignore.ts';

const isFolder = true;

test('without a slash: at any depth', () => {
  const ignore = ignoring(['*.log', 'node_modules']);
  assert.equal(ignore('a.log', !isFolder), true);
  assert.equal(ignore('x/y/a.log', !isFolder), true);
  assert.equal(ignore('x/node_modules', isFolder), true);
  assert.equal(ignore('a.logs', !isFolder), false);
  assert.equal(ignore('my_node_modules', isFolder), false);
});

test('with a slash: from the top of the folder', () => {
  const ignore = ignoring(['dist/*.map', '/tmp', './notes', 'a/**/z']);
  assert.equal(ignore('dist/a.map', !isFolder), true);
  assert.equal(ignore('x/dist/a.map', !isFolder), false);
  assert.equal(ignore('dist/x/a.map', !isFolder), false);
  assert.equal(ignore('tmp', isFolder), true);
  assert.equal(ignore('x/tmp', isFolder), false);
  assert.equal(ignore('notes', !isFolder), true);
  assert.equal(ignore('a/b/c/z', !isFolder), true);
});

test('with a slash at the end: folders only', () => {
  const ignore = ignoring(['cache/', '/top/']);
  assert.equal(ignore('x/cache', isFolder), true);
  assert.equal(ignore('x/cache', !isFolder), false);
  assert.equal(ignore('top', isFolder), true);
  assert.equal(ignore('x/top', isFolder), false);
});

test('.git and .segue always, whatever else is asked', () => {
  const ignore = ignoring([]);
  assert.equal(ignore('.git', isFolder), true);
  assert.equal(ignore('module/.git', !isFolder), true);
  assert.equal(ignore('.segue', isFolder), true);
  assert.equal(ignore('.gitignore', !isFolder), false);
  assert.equal(ignore('segue', isFolder), false);
});
